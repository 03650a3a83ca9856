// Devices as the lab tells of them: `Link`, `LinkCounters`, `LinkAddress`.
@_exported public import Rtnetlink
