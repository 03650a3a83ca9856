import Testing

@testable import Reporting

struct NumberFormatsTests {
  @Test(
    arguments: [
      (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (12345, "12,345"), (123_456, "123,456"),
      (1_234_567, "1,234,567"), (.max, "18,446,744,073,709,551,615"),
    ] as [(UInt64, String)]) func `Thousands are separated`(number: UInt64, text: String)
  {
    #expect(NumberFormats.grouped(number) == text)
  }

  @Test(
    arguments: [
      (0, "0"), (0.4, "0"), (0.5, "1"), (999.4, "999"), (999.5, "1.00 k"), (1000, "1.00 k"), (9994, "9.99 k"),
      (9996, "10.0 k"), (99_940, "99.9 k"), (99_960, "100 k"), (999_600, "1.00 M"), (2_003_120_640, "2.00 G"),
      (1.5e12, "1.50 T"), (-3, "0"), (.infinity, "0"), (.nan, "0"),
    ] as [(Double, String)]) func `Rates are scaled to three digits`(rate: Double, text: String)
  {
    #expect(NumberFormats.scaled(rate) == text)
  }

  @Test(
    arguments: [
      (87.25, 1, "87.3"), (0, 2, "0.00"), (1.005, 0, "1"), (0.07, 2, "0.07"), (9.999, 2, "10.00"),
    ] as [(Double, Int, String)]) func `Decimals are fixed`(value: Double, decimals: Int, text: String)
  {
    #expect(NumberFormats.fixed(value, decimals: decimals) == text)
  }

  @Test(
    arguments: [
      (0, 0, "00:00:00"), (86_399, 0, "23:59:59"), (86_399, 1, "00:00:00"), (0, -1, "23:59:59"),
      (1_700_000_000, 3600, "23:13:20"),
    ] as [(UInt64, Int, String)]) func `The time of day is local`(seconds: UInt64, offset: Int, text: String)
  {
    #expect(NumberFormats.timeOfDay(seconds * 1_000_000_000, utcOffset: offset) == text)
  }

  @Test func `Columns fill up but never cut`() {
    #expect("ab".right(4) == "  ab")
    #expect("ab".left(4) == "ab  ")
    #expect("abcde".right(4) == "abcde")
  }

  @Test func `Text from elsewhere can't command the terminal`() {
    #expect("a\u{1B}[2Jb\r\n\u{202E}é".printable == "a?[2Jb???é")
  }
}
