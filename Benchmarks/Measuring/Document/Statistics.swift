extension [Double] {
  /// The middle value; of an even number the mean of the two in the middle; NaN of none.
  public var median: Double { quantile(0.5) }

  /// The value below which a share of them lies, 0…1, between neighbours by proportion; NaN of none.
  public func quantile(_ share: Double) -> Double {
    let sorted = sorted()
    guard let last = sorted.last else { return .nan }
    let place = share * Double(count - 1)
    let low = Int(place)
    guard low + 1 < count else { return last }
    return sorted[low] + (sorted[low + 1] - sorted[low]) * (place - Double(low))
  }
}

extension Double {
  /// To one decimal place.
  var tenths: Double { (self * 10).rounded() / 10 }

  /// To three decimal places: more would be noise.
  public var short: Double { (self * 1000).rounded() / 1000 }
}
