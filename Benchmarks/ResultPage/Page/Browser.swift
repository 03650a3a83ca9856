import Foundation
import XSKEngine

/// Chromium without a window: turns plots into PNG files, and tells tests what a page really shows.
public struct Browser {
  public let program: String

  /// The first of chromium, chromium-browser, google-chrome that is on the PATH; nil if there is none.
  public static func find() -> Browser? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    for name in ["chromium", "chromium-browser", "google-chrome"] {
      for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
        return Browser(program: "\(folder)/\(name)")
      }
    }
    return nil
  }

  /// A picture of a file as a window of this size shows it.
  ///
  /// - Parameters:
  ///   - scale: device pixels for each of the window's.
  public func picture(
    of file: String, width: Int, height: Int, scale: Double = 2, to picture: String
  ) throws(XSKError) {
    _ = try run([
      "--window-size=\(width),\(height)", "--force-device-scale-factor=\(scale)", "--hide-scrollbars",
      "--screenshot=\(picture)", file,
    ])
    guard FileManager.default.fileExists(atPath: picture) else {
      throw XSKError(program, "made no picture of \(file)", remedy: "open the page in a browser yourself")
    }
  }

  /// The document as the browser has it after loading.
  public func document(of file: String) throws(XSKError) -> String { try run(["--dump-dom", file]) }

  /// The page as a PDF, as it would be printed.
  public func print(_ file: String, to document: String) throws(XSKError) {
    _ = try run(["--print-to-pdf=\(document)", "--no-pdf-header-footer", file])
  }

  private func run(_ arguments: [String]) throws(XSKError) -> String {
    // A profile of its own, gone afterwards: two of them must not wait for each other.
    let profile = NSTemporaryDirectory() + "xskbench-browser-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: profile) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    var options = [
      "--headless", "--disable-gpu", "--no-first-run", "--user-data-dir=\(profile)", "--virtual-time-budget=2000",
    ]
    // As root its sandbox can't be set up. It opens files that this program wrote, and no network.
    if getuid() == 0 { options.append("--no-sandbox") }
    process.arguments = options + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    do { try process.run() } catch {
      throw XSKError(program, "can't be started", remedy: "apt-get install chromium")
    }
    // Bounded: a browser that hangs is ended.
    let guardian = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: guardian)
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guardian.cancel()
    guard process.terminationStatus == 0 else {
      throw XSKError(
        program, "ended with \(process.terminationStatus)", remedy: "run it by hand: \(program) --headless")
    }
    return String(decoding: text, as: UTF8.self)
  }
}
