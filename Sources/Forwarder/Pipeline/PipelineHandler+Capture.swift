import GROLite
import XSKEngine

/// What a capture is told: only called while there is one.
extension PipelineHandler {
  /// Says which rule, or last resort, decided about a unit's first packets: of several the last.
  @usableFromInline @inline(never)
  mutating func note(
    _ place: Int, _ unit: GROUnit, _ count: Int, _ gro: borrowing GROLite, _ burst: inout Burst
  ) {
    let number = state.noteNumbers[place]
    var index = unit.first
    for position in 0..<count {
      burst.note(rule: number, at: index)
      if position + 1 < unit.count { index = gro.next(after: index) }
    }
  }

  /// Has one packet in so many captured, whatever becomes of it.
  mutating func sample(
    _ step: PipelineStep, _ place: Int, _ unit: GROUnit, _ count: Int, _ gro: borrowing GROLite, _ burst: inout Burst
  ) {
    var index = unit.first
    for position in 0..<count {
      if draw(step.number) { burst.sample(index, rule: state.noteNumbers[place]) }
      if position + 1 < unit.count { index = gro.next(after: index) }
    }
  }

  /// True once in `oneIn` times.
  private mutating func draw(_ oneIn: UInt32) -> Bool {
    random ^= random &>> 12
    random ^= random &<< 25
    random ^= random &>> 27
    let number = random &* 0x2545_F491_4F6C_DD1D
    // The upper half of a number times `oneIn` is below `oneIn`, each value equally often.
    return ((number &>> 32) &* UInt64(oneIn)) &>> 32 == 0
  }
}
