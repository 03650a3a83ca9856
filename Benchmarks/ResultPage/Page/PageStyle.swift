/// The page's style sheet. Nothing is fetched: fonts are the reader's own.
enum PageStyle {
  static let css = """
    :root { color-scheme: light; --ink: \(Style.ink); --faint: \(Style.faint); --rule: #d5dce3; --warn: #8f3a05; }
    * { box-sizing: border-box; }
    body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.5 \(Style.font); font-variant-numeric: tabular-nums;
      -webkit-text-size-adjust: 100%; }
    main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
    h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 12px; }
    h2 { font-size: 20px; letter-spacing: -.01em; margin: 56px 0 20px; padding-top: 14px; border-top: 2px solid var(--ink); }
    h3 { font-size: 15px; line-height: 1.35; margin: 0 0 10px; }
    p { margin: 0 0 6px; }
    .machine { color: var(--faint); }
    .verdict { margin-top: 14px; padding: 9px 14px; border-left: 3px solid #22794c; background: #f1f7f3; max-width: 760px; }
    .verdict.irregular { border-color: #c4540a; background: #fdf5ee; }
    .sections { display: grid; grid-template-columns: 1fr 1fr; column-gap: 48px; align-items: start; }
    .sections > section { grid-column: 1 / -1; min-width: 0; }
    .sections > section.single { grid-column: span 1; }
    .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 44px 48px;
      align-items: start; }
    figure { margin: 0; min-width: 0; }
    svg.plot { display: block; width: 100%; max-width: 560px; height: auto; }
    figcaption { font-size: 13px; line-height: 1.45; margin-top: 10px; max-width: 560px; }
    .source { color: var(--faint); font-size: 12.5px; overflow-wrap: anywhere; }
    .reason { color: var(--warn); }
    code { font: .93em/1.4 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; color: var(--ink); }
    .source code + code::before { content: "\\00b7\\00a0"; }
    details { font-size: 13px; margin-top: 6px; }
    summary { cursor: pointer; color: #0b5fa5; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; margin-top: 8px; }
    th, td { text-align: right; padding: 3px 0 3px 18px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
    th:first-child, td:first-child { text-align: left; padding-left: 0; }
    th { color: var(--faint); font-weight: 500; }
    .run { padding: 12px 0 14px; border-bottom: 1px solid var(--rule); }
    .run > p:first-child { overflow-wrap: anywhere; }
    .tag { margin-left: 8px; padding: 1px 7px; border-radius: 3px; background: #fdeee0; color: var(--warn); font-size: 12px; }
    .checks { list-style: none; margin: 6px 0 0; padding: 0; font-size: 12.5px; color: var(--faint); columns: 2; column-gap: 48px; }
    .checks li { break-inside: avoid; padding-left: 18px; text-indent: -18px; }
    .checks li::before { display: inline-block; width: 18px; text-indent: 0; content: "✓"; color: #22794c; }
    .checks li.irregular { color: var(--warn); }
    .checks li.irregular::before { content: "†"; color: var(--warn); }
    .checks li.note::before { content: "i"; font-style: italic; color: #0b5fa5; }
    .checks li.unavailable::before { content: "–"; color: var(--faint); }
    .checks b { font-weight: 600; }
    @media (max-width: 900px) { .sections { display: block; } }
    @media (max-width: 700px) {
      main { padding: 24px 16px 48px; }
      h1 { font-size: 25px; }
      h2 { margin-top: 44px; }
      .checks { columns: 1; }
    }
    @media print {
      @page { margin: 16mm; }
      body { font-size: 10.5pt; }
      main { max-width: none; padding: 0; }
      .sections { display: block; }
      h1 { font-size: 20pt; }
      h2 { font-size: 14pt; margin: 9mm 0 4mm; padding-top: 2mm; }
      h3 { font-size: 10pt; }
      figcaption, .checks { font-size: 7.5pt; }
      .source { font-size: 7pt; }
      .run { padding: 2mm 0; font-size: 8.5pt; }
      .plots { grid-template-columns: repeat(auto-fill, minmax(45%, 1fr)); gap: 8mm; }
      figure, .run { break-inside: avoid; }
      h2, h3 { break-after: avoid; }
      details { display: none; }
      * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
    }
    """
}
