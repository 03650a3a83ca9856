import Foundation
import Testing
import XSKLab

/// docs/containers.md, as somebody follows it who copies and pastes.
@Suite(.serialized) struct ContainerDocumentTests {
  @Test func `two podman containers talk AF_XDP through policy as the document says, and leave nothing behind`() throws
  {
    let document = try JobDocument("containers", of: "docs/containers.md")
    try #require(document.steps.count >= 8)
    let machine = try NetworkNamespace("machine")
    let folder = URL(fileURLWithPath: BuiltPrograms.xskd).deletingLastPathComponent().path
    let count =
      "echo left: $(ls /run/xskd/tenants | wc -l) $(ls /sys/fs/bpf/xskd | wc -l) $(ip -br link | grep -c xskt)"
    let script = document.script(after: Self.prelude(programs: folder), before: count)
    // A PID namespace: whatever the script leaves running ends with it.
    let words = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", script]
    let result = try machine.run(["env", "PATH=\(OnVeth.Jobs.path)"] + words, timeout: .seconds(200))
    #expect(result.succeeded, "\(result.output)\n\(result.errors)")
    document.check(result.output)
    #expect(result.output.contains("left: 0 0 0\n=== end"), "something was left behind: \(result.output.suffix(2000))")
  }

  /// A machine's own directories, each as it is on a machine that has just been set up: programs and plugins are installed, and
  /// nothing else is there.
  ///
  /// The programs are the tests' own: a container that has the machine's `/usr` needs their libraries there, too.
  private static func prelude(programs: String) -> String {
    """
    exec 2>&1
    set -e
    umount -l /sys && mount -t bpf bpf /sys/fs/bpf
    mount -t tmpfs none /mnt && mkdir /mnt/etc /mnt/bin /mnt/lib /mnt/cni /mnt/plugins
    cp -a /etc/. /mnt/etc && rm -rf /mnt/etc/xskd /mnt/etc/cni /mnt/etc/containers/containers.conf*
    cp '\(programs)/ContainerEcho' /mnt/lib/
    ldd /mnt/lib/ContainerEcho | awk '$3 ~ "^/" && $3 !~ "^/(usr/)?lib(64)?/" {print $3}' | xargs -r cp -t /mnt/lib
    printf '#!/bin/sh\\nLD_LIBRARY_PATH=/usr/local/lib exec /usr/local/lib/ContainerEcho "$@"\\n' > /mnt/bin/ContainerEcho
    chmod 755 /mnt/bin/ContainerEcho
    ln -s '\(programs)/xskd' /mnt/bin/xskd
    mount --bind /usr/lib/cni /mnt/plugins
    for plugin in /mnt/plugins/*; do ln -s "$plugin" /mnt/cni/; done
    ln -sf '\(programs)/xsk-cni' /mnt/cni/xsk-cni
    mount --bind /mnt/etc /etc && mount --bind /mnt/bin /usr/local/bin && mount --bind /mnt/lib /usr/local/lib
    mount --bind /mnt/cni /usr/lib/cni
    mkdir -p /var/lib/containers /var/lib/cni
    for place in /srv /run /var/lib/containers /var/lib/cni; do mount -t tmpfs none $place; done
    # No service manager here, and no way to raise limits on some machines that tests run on.
    mkdir -p /etc/containers
    printf '[containers]\\nlog_driver = "k8s-file"\\n[engine]\\ncgroup_manager = "cgroupfs"\\nevents_logger = "none"\\n' \
      > /etc/containers/containers.conf
    podman() {
      if [ "$1" = run ]; then set -- run --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 "${@:2}"; fi
      command podman "$@"
    }
    export PATH=/usr/local/bin:$PATH
    trap 'echo "=== log"; cat /run/xskd.log' EXIT
    """
  }
}
