import Foundation
import PackagePlugin

/// Compiles each `bpf/*.bpf.c` beside a target's sources for the BPF machine and embeds the object file in the
/// target, so that a binary needs no file beside it.
///
/// `XSKEngine` embeds the programs of `CXsk/bpf`: they belong to the C boundary, but only Swift can carry them.
@main
struct EmbedBPF: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: Target) throws -> [Command] {
    guard let target = target as? SourceModuleTarget else { return [] }
    let root = context.package.directoryURL
    let owner = target.name == "XSKEngine" ? root.appending(path: "Sources/CXsk") : target.directoryURL
    let folder = owner.appending(path: "bpf")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let headers = files.filter { $0.pathExtension == "h" }
    let clang = try context.tool(named: "clang").url
    let embedder = try context.tool(named: "BPFEmbedder").url
    return files.filter { $0.lastPathComponent.hasSuffix(".bpf.c") }
      .sorted { $0.path < $1.path }
      .map { source in
        let stem = source.lastPathComponent.dropLast(".bpf.c".count)
        let output = context.pluginWorkDirectoryURL.appending(path: "BPFImage_\(stem).swift")
        return .buildCommand(
          displayName: "Compiling \(stem).bpf.c for BPF",
          executable: embedder,
          arguments: [
            clang.path, source.path, output.path, root.appending(path: "Sources/CXsk/include").path, target.name,
          ],
          inputFiles: [source] + headers,
          outputFiles: [output])
      }
  }
}
