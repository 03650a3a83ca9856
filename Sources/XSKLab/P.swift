struct BPFImage { let name: StaticString; let hexadecimal: StaticString }
