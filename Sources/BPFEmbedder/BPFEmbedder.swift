import Foundation

/// `BPFEmbedder CLANG SOURCE.bpf.c OUTPUT.swift INCLUDE MODULE`: compiles a BPF program and writes its object file as
/// the Swift constant `BPFImage.<source name>` of that module. Run by the `EmbedBPF` build plugin only.
@main
struct BPFEmbedder {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 6 else {
      fail("usage: BPFEmbedder CLANG SOURCE.bpf.c OUTPUT.swift INCLUDE MODULE")
    }
    let source = URL(fileURLWithPath: arguments[2])
    let name = String(source.lastPathComponent.dropLast(".bpf.c".count))
    let object = URL(fileURLWithPath: arguments[3]).deletingPathExtension().appendingPathExtension("o")
    try compile(clang: arguments[1], source: source, object: object, include: arguments[4])
    try swiftSource(name: name, image: Data(contentsOf: object), module: arguments[5])
      .write(toFile: arguments[3], atomically: true, encoding: .utf8)
  }

  /// The BPF machine has no system headers of its own: the host's `asm/` folder is named by its machine type.
  static func compile(clang: String, source: URL, object: URL, include: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: clang)
    process.arguments = [
      "-target", "bpf", "-O2", "-g", "-Wall", "-Werror", "-I", include,
      "-I/usr/include/\(hostMachine())-linux-gnu", "-c", source.path, "-o", object.path,
    ]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      fail("\(source.path): the BPF compiler refused it (are libbpf-dev and linux-libc-dev installed?)")
    }
  }

  static func hostMachine() -> String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "aarch64"
    #else
      fail("only x86_64 and arm64 are supported")
    #endif
  }

  /// The image is written as text of 16 hexadecimal letters per 8 bytes: a long array literal takes the compiler
  /// seconds, a string literal nothing. `BPFImage` itself lives in XSKEngine.
  static func swiftSource(name: String, image: Data, module: String) -> String {
    let digits = image.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    let imports = module == "XSKEngine" ? "" : "import XSKEngine\n\n"
    return imports + """
      extension BPFImage {
        /// The object file of `\(name).bpf.c`, in hexadecimal.
        static let \(name) = BPFImage(name: "\(name)", hexadecimal: "\(digits)")
      }

      """
  }

  static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data((message + "\n").utf8))
    exit(1)
  }
}
