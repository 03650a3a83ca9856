// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is compiled alike: Swift 6 mode (the tools version's default), strict memory safety, and
/// warnings as errors. `Lifetimes` lets a burst hand out bounds-checked spans of packet bytes without copying.
let swiftSettings: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableExperimentalFeature("Lifetimes"),
]

let cSettings: [CSetting] = [.treatAllWarnings(as: .error), .enableWarning("all"), .enableWarning("extra")]

let package = Package(
  name: "swift-xsk",
  products: [
    .library(name: "PacketHeaders", targets: ["PacketHeaders"]),
    .library(name: "GROLite", targets: ["GROLite"]),
    .library(name: "XSKEngine", targets: ["XSKEngine"]),
    .library(name: "Forwarder", targets: ["Forwarder"]),
    .library(name: "KernelRoutes", targets: ["KernelRoutes"]),
    .library(name: "Captures", targets: ["Captures"]),
    .library(name: "ConfigurationFile", targets: ["ConfigurationFile"]),
    .library(name: "Reporting", targets: ["Reporting"]),
    .library(name: "Operations", targets: ["Operations"]),
    .executable(name: "xskfwd", targets: ["xskfwd"]),
    .library(name: "ContainerDataplane", targets: ["ContainerDataplane"]),
    .executable(name: "xskd", targets: ["xskd"]),
    .executable(name: "xskbench", targets: ["xskbench"]),
    .executable(name: "xsk-cni", targets: ["xsk-cni"]),
    // Nobody's but the system tests', which preload it.
    .library(name: "xsk-test-old-kernel", type: .dynamic, targets: ["OldKernel"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // The C boundary, and the XDP programs.
    .target(
      name: "CXsk", exclude: ["bpf"], cSettings: cSettings,
      linkerSettings: [.linkedLibrary("xdp"), .linkedLibrary("bpf"), .linkedLibrary("numa")]),

    // The house, lowest floor first. A target imports only targets below it.
    .target(name: "PacketHeaders", dependencies: ["CXsk"], swiftSettings: swiftSettings),
    .target(name: "GROLite", dependencies: ["PacketHeaders"], swiftSettings: swiftSettings),
    .target(
      name: "XSKEngine", dependencies: ["CXsk"], swiftSettings: swiftSettings, plugins: ["EmbedBPF"]),
    .target(
      name: "Forwarder", dependencies: ["XSKEngine", "GROLite", "PacketHeaders", "CXsk"], swiftSettings: swiftSettings),

    // The kernel's routes and neighbours, followed by netlink, as the forwarder's routes.
    .target(
      name: "KernelRoutes", dependencies: ["Forwarder", "XSKEngine", "PacketHeaders", "CXsk"],
      swiftSettings: swiftSettings),

    // Packets in files, by libpcap.
    .target(
      name: "CCaptures", cSettings: cSettings, linkerSettings: [.linkedLibrary("pcap"), .linkedLibrary("z")]),
    .target(
      name: "Captures", dependencies: ["CCaptures", "XSKEngine", "PacketHeaders"], swiftSettings: swiftSettings),

    // The configuration file: YAML to the forwarder's configuration, or everything that is wrong with it.
    .target(
      name: "ConfigurationFile",
      dependencies: ["Forwarder", "XSKEngine", "PacketHeaders", .product(name: "Yams", package: "Yams")],
      swiftSettings: swiftSettings),

    // Counter snapshots as people and programs read them: rate lines, `top`, the summary object.
    .target(name: "Reporting", dependencies: ["XSKEngine"], swiftSettings: swiftSettings),

    // Asking a running program over its UNIX socket: nothing but the C library.
    .target(name: "LocalHTTP", swiftSettings: swiftSettings),

    // What operating a running engine takes, but for the command line: control socket, metrics, systemd.
    .target(
      name: "Operations",
      dependencies: ["Captures", "Forwarder", "LocalHTTP", "PacketHeaders", "Reporting", "XSKEngine", "CXsk"],
      swiftSettings: swiftSettings),

    // Devices, addresses, routes and neighbours, asked of the kernel and changed: what `ip` does.
    .target(name: "Rtnetlink", dependencies: ["XSKEngine", "CXsk"], swiftSettings: swiftSettings),

    // Namespaces, veth pairs and traffic: what the demo, the system tests and the benchmarks are set up with.
    .target(
      name: "XSKLab", dependencies: ["Rtnetlink", "XSKEngine", "CXsk"], exclude: ["bpf"], swiftSettings: swiftSettings,
      plugins: ["EmbedBPF"]),

    // Containers' AF_XDP: tenants, their policies, the dataplane, handover of sockets, the node's state.
    .target(
      name: "ContainerDataplane",
      dependencies: [
        "ConfigurationFile", "Forwarder", "KernelRoutes", "Operations", "PacketHeaders", "Reporting", "Rtnetlink",
        "TenantAPI", "XSKEngine", "CXsk",
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: swiftSettings),

    // What every program does alike: arguments to exit status, output line by line, signals.
    .target(
      name: "ProgramSupport",
      dependencies: ["XSKEngine", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: swiftSettings),

    // Captures through the engine on simulated rings: what `xskfwd replay` does.
    .target(
      name: "Replay",
      dependencies: ["Captures", "Forwarder", "GROLite", "PacketHeaders", "Reporting", "XSKEngine"],
      swiftSettings: swiftSettings),

    .executableTarget(
      name: "xskfwd",
      dependencies: [
        "Captures", "ConfigurationFile", "Forwarder", "GROLite", "KernelRoutes", "Operations", "ProgramSupport",
        "Replay",
        "Reporting", "XSKEngine", "XSKLab", "CXsk",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: swiftSettings),
    .executableTarget(
      name: "xskd",
      dependencies: [
        "ContainerDataplane", "Operations", "ProgramSupport", "TenantAPI", "XSKEngine",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: swiftSettings),
    // What the benchmark program measures with, decides by and writes down, apart from its command line: probes, trials,
    // searches, the result document, and the checks that every run carries.
    .target(
      name: "Measuring",
      dependencies: [
        "Forwarder", "XSKEngine", "XSKLab", "CXsk", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ], path: "Benchmarks/Measuring", swiftSettings: swiftSettings),
    // Result documents as a page with plots, and the plots as files.
    .target(
      name: "ResultPage", dependencies: ["Measuring", "XSKEngine"], path: "Benchmarks/ResultPage",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "xskbench",
      dependencies: [
        "Captures", "ContainerDataplane", "Forwarder", "GROLite", "Measuring", "PacketHeaders", "Reporting",
        "ResultPage", "TenantAPI", "XSKEngine", "XSKLab", "CXsk",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Benchmarks/xskbench", swiftSettings: swiftSettings),

    // What xskd is asked over its socket, and its client: nothing but the C library and JSON, for plugins that start fast.
    .target(name: "TenantAPI", dependencies: ["LocalHTTP"], swiftSettings: swiftSettings),
    // A CNI plugin's part: environment, configuration, IPAM plugins, results; the work is xskd's.
    .target(name: "CNIPlugin", dependencies: ["TenantAPI"], swiftSettings: swiftSettings),
    .executableTarget(name: "xsk-cni", dependencies: ["CNIPlugin"], swiftSettings: swiftSettings),

    // The README's example of the library: nothing but the engine.
    .executableTarget(
      name: "DropAll", dependencies: ["XSKEngine"], path: "Examples/DropAll", swiftSettings: swiftSettings),

    // The same for GRO and metadata.
    .executableTarget(
      name: "ShedFlows", dependencies: ["Forwarder", "GROLite", "XSKEngine"], path: "Examples/ShedFlows",
      swiftSettings: swiftSettings),

    // What a program in a container looks like.
    .executableTarget(
      name: "ContainerEcho", dependencies: ["XSKEngine"], path: "Examples/ContainerEcho", swiftSettings: swiftSettings),

    // Compiles `bpf/*.bpf.c` of a target with the toolchain's clang and embeds the objects as Swift source.
    .executableTarget(name: "BPFEmbedder", swiftSettings: swiftSettings),
    .plugin(name: "EmbedBPF", capability: .buildTool(), dependencies: ["BPFEmbedder"]),

    .testTarget(
      name: "XSKEngineTests", dependencies: ["XSKEngine", "CXsk", "PacketSamples"], swiftSettings: swiftSettings),
    .testTarget(
      name: "ForwarderTests", dependencies: ["Forwarder", "XSKEngine", "GROLite", "PacketHeaders", "PacketSamples"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "KernelRoutesTests",
      dependencies: ["KernelRoutes", "Forwarder", "XSKEngine", "XSKLab", "PacketSamples"], swiftSettings: swiftSettings),
    .testTarget(
      name: "CapturesTests", dependencies: ["CCaptures", "Captures", "XSKEngine", "PacketSamples"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ReplayTests",
      dependencies: ["Replay", "Captures", "GROLite", "Reporting", "XSKEngine", "XSKLab", "PacketSamples", "xskfwd"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "OperationsTests",
      dependencies: [
        "LocalHTTP", "Operations", "Reporting", "XSKEngine", "XSKLab", "CXsk", "MetricsParser", "PacketSamples",
      ],
      swiftSettings: swiftSettings),
    // A strict reader of the Prometheus text format.
    .target(name: "MetricsParser", path: "Tests/MetricsParser", swiftSettings: swiftSettings),
    .testTarget(
      name: "ConfigurationFileTests",
      dependencies: ["ConfigurationFile", "Forwarder", "XSKEngine", "PacketHeaders", "PacketSamples"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "ContainerDataplaneTests",
      dependencies: [
        "ContainerDataplane", "ConfigurationFile", "Forwarder", "Operations", "PacketHeaders", "XSKEngine",
        "PacketSamples", "TenantAPI",
      ], swiftSettings: swiftSettings),
    .testTarget(
      name: "MeasuringTests",
      dependencies: ["Measuring", "ResultPage", "XSKEngine", "XSKLab", "PacketSamples", "xskbench", "xskfwd"],
      swiftSettings: swiftSettings),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting"], swiftSettings: swiftSettings),
    // The built plugin, by environment and standard input.
    .testTarget(
      name: "CNIPluginTests", dependencies: ["CNIPlugin", "TenantAPI", "xsk-cni"], swiftSettings: swiftSettings),
    .testTarget(
      name: "XSKLabTests", dependencies: ["XSKLab", "XSKEngine", "PacketSamples"], swiftSettings: swiftSettings),
    // What needs root and a kernel: it fails without, it never skips.
    .testTarget(
      name: "SystemTests",
      dependencies: [
        "ContainerDataplane", "Forwarder", "GROLite", "Operations", "PacketHeaders", "Rtnetlink", "TenantAPI",
        "XSKEngine", "XSKLab", "CXsk", "MetricsParser", "PacketSamples", "ContainerEcho", "xskd", "xskfwd", "xsk-cni",
        "xsk-test-engine", "xsk-test-tenants",
      ],
      exclude: ["bpf"], swiftSettings: swiftSettings, plugins: ["EmbedBPF"]),
    // A process with an engine in it, for the system tests to kill.
    .executableTarget(
      name: "xsk-test-engine", dependencies: ["Forwarder", "XSKEngine"], path: "Tests/TestEngine",
      swiftSettings: swiftSettings),
    // A process that serves tenants, and one that behaves badly, for the system tests.
    .executableTarget(
      name: "xsk-test-tenants", dependencies: ["ContainerDataplane", "XSKEngine", "CXsk"], path: "Tests/TenantHost",
      swiftSettings: swiftSettings),
    // What programs meet on kernels from before 6.4, for the system tests to have it here.
    .target(name: "OldKernel", path: "Tests/OldKernel"),
    // Packets described by their fields, and a seeded random generator, for the tests of both.
    .target(name: "PacketSamples", path: "Tests/PacketSamples", swiftSettings: swiftSettings),
    .testTarget(
      name: "PacketHeadersTests", dependencies: ["PacketHeaders", "PacketSamples"], swiftSettings: swiftSettings),
    .testTarget(
      name: "GROLiteTests", dependencies: ["GROLite", "PacketHeaders", "PacketSamples"], swiftSettings: swiftSettings),
  ]
)
