import Glibc

extension CounterPageReader {
  /// Engines that run now, by process number. Pages of dead processes are left out, and removed where that is allowed;
  /// files that aren't intact pages are left alone.
  public static func runningInstances(
    in directory: CounterPageDirectory = .standard, trustingAnyOwner: Bool = false
  ) -> [CounterPageReader] {
    directory.files().compactMap { _, path in
      guard let reader = try? CounterPageReader(path: path, trustingAnyOwner: trustingAnyOwner) else { return nil }
      if reader.isAlive { return reader }
      reader.removeFile()
      return nil
    }
  }

  /// Removes the file, unless its name means another one by now. Refused by the kernel to those who may not.
  private func removeFile() {
    if sameFile(path, file) { unsafe unlink(path) }
  }

  /// Removes the pages that dead processes left behind, where that is allowed.
  static func removeStalePages(in directory: CounterPageDirectory) { _ = runningInstances(in: directory) }
}
