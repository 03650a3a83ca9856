# Reads the names of a program's functions, then its disassembly twice, and judges the packet path of the workers.
#
#   awk -f check-hot-path.awk handlers="A B" allowed=FILE disassembly=FILE NAMES pass=1 DISASSEMBLY pass=2 DISASSEMBLY
#
# NAMES has "address<TAB>size<TAB>demangled name" a line, numbers in hexadecimal. DISASSEMBLY is llvm-objdump's, without raw bytes (AT&T syntax).
# See scripts/check-hot-path for what is checked and why.

function fail(text) {
  if (text in said) return
  said[text] = 1
  print "  FAULT: " text
  faults++
}

function name(address) { return address in names ? names[address] : "function at 0x" address }

# A name without parameter lists and modules' noise, for people.
function brief(text) {
  if (match(text, / of /) && text ~ /^(function signature specialization|generic specialization)/) {
    sub(/^.* of /, "", text)
  }
  sub(/\(.*in _[0-9A-F]+\)/, "&", text)
  gsub(/ in _[0-9A-F]+\)/, ")", text)
  return length(text) > 96 ? substr(text, 1, 93) "..." : text
}

function number(hexadecimal, i, value) {
  for (i = 1; i <= length(hexadecimal); i++) value = 16 * value + index("123456789abcdef", substr(hexadecimal, i, 1))
  return value
}

# Whether the address of a line of disassembly, with its colon, is `end` or more. Without leading zeros both sort as text.
function isFrom(address, end) {
  sub(/:$/, "", address)
  if (length(address) != length(end)) return length(address) > length(end)
  return (address "") >= (end "")
}

# Generic code that was not specialised for a handler: it calls through witness tables, and must never be run.
function isUnspecialised(text) { return text ~ /<A where |< where A|Worker<A>/ && text !~ /generic specialization </ }

# What a line of disassembly does: sets `kind` (call, jump, branch, end, syscall, indirect, table, other) and `target`
# (an address, or empty), `symbol` (the callee's name as objdump gives it).
function decode(text, mnemonic) {
  kind = "other"; target = ""; symbol = ""
  mnemonic = text
  sub(/[ \t].*/, "", mnemonic)
  if (mnemonic ~ /^(notrack|bnd)$/) { sub(/^[a-z]+[ \t]+/, "", text); mnemonic = text; sub(/[ \t].*/, "", mnemonic) }
  if (mnemonic ~ /^call/) kind = "call"
  else if (mnemonic ~ /^jmp/) kind = "jump"
  else if (mnemonic ~ /^j/ || mnemonic ~ /^loop/) kind = "branch"
  else if (mnemonic ~ /^ret/ || mnemonic == "ud2" || mnemonic == "hlt") { kind = "end"; return }
  else if (mnemonic == "syscall" || mnemonic ~ /^sysenter|^int/) { kind = "syscall"; return }
  else return
  if (text ~ /\*/) { kind = kind == "call" ? "indirect" : "table"; return }
  if (match(text, /0x[0-9a-f]+/)) target = substr(text, RSTART + 2, RLENGTH - 2)
  if (match(text, /<.*>/)) symbol = substr(text, RSTART + 1, RLENGTH - 2)
}

# A call or a jump out of `from`: a fault, something harmless, or one more function to check.
function follow(from, base) {
  if (kind == "indirect") return fail(brief(name(from)) ": calls through a pointer (a witness table, a closure, or a class)")
  if (kind == "syscall") return fail(brief(name(from)) ": makes a system call itself")
  base = symbol
  sub(/@plt$/, "", base)
  if (base in permitted) return
  if (symbol ~ /@plt$/ || !(target in start)) {
    return fail(brief(name(from)) ": calls " base)
  }
  if (!(target in queued)) { queued[target] = 1; queue[++queued_count] = target }
}

BEGIN {
  while ((getline line < allowed) > 0) {
    sub(/#.*/, "", line); gsub(/[ \t]+$/, "", line)
    if (line != "") permitted[line] = 1
  }
}

FILENAME != disassembly {
  split($0, part, "\t")
  if (part[1] in names) next
  names[part[1]] = part[3]
  if (part[2] != "") past[part[1]] = sprintf("%x", number(part[1]) + number(part[2]))
  next
}

/^[0-9a-f]+ <.*>:$/ {
  current = $1
  sub(/^0+/, "", current)
  if (pass == 1) { if (!(current in start)) { start[current] = 1; if (!(current in names)) names[current] = $2 } }
  next
}

!/^ *[0-9a-f]+:/ { next }

# Behind a function's end, up to the next name, lies code that no name is left of: duplicates that the linker found.
(current in past) && isFrom($1, past[current]) { next }

# Pass 1: what each function calls, jumps to, or takes the address of.
pass == 1 {
  text = $0
  sub(/^ *[0-9a-f]+:[ \t]*/, "", text)
  previous5 = previous4; previous4 = previous3; previous3 = previous2; previous2 = previous1; previous1 = text
  if (text !~ /^(call|jmp|j[a-z]+ |sys|int|lea|mov|notrack|bnd|loop)/) next
  decode(text)
  if (kind == "other" && text ~ /^(lea|mov)/) {
    if (match(text, /# 0x[0-9a-f]+ </)) refers(current, substr(text, RSTART + 4, RLENGTH - 6))
    next
  }
  if (kind == "other" || kind == "end") next
  # A switch loads the register that it jumps by from a table just before; any other jump through a pointer is a tail call.
  if (kind == "table") {
    register = text
    sub(/^[^*]*[*]/, "", register)
    sub(/[^%a-z0-9].*$/, "", register)
    loaded = "movslq[^\n]*,4[)],[ \t]*" register "\n"
    before = previous2 "\n" previous3 "\n" previous4 "\n" previous5 "\n"
    kind = register ~ /^%/ && before ~ loaded ? "switch" : "indirect"
  }
  if (kind == "switch") next
  if (target != "") refers(current, target)
  if (kind == "jump" || kind == "branch") { if (symbol ~ /\+0x[0-9a-f]+$/) next }
  events[current] = events[current] kind " " target " " symbol "\n"
  if (name(target) ~ /^XSKEngine\.WorkerCore\.beginTurn\(/) loops[current] = 1
  next
}

function refers(from, to) { referrers[to] = referrers[to] from " " }

# Pass 2: the bodies of the functions that hold a worker's loop.
current in loops {
  address = $1
  sub(/:$/, "", address)
  text = $0
  sub(/^ *[0-9a-f]+:[ \t]*/, "", text)
  count[current]++
  place[current, address] = count[current]
  body[current, count[current]] = text
}

# Walks every path from the call of beginTurn to the call of endTurn in a function: the turn, with whatever of the
# handler was inlined into it. What comes before and after (set-up, rest, housekeeping, tear-down) is not the packet path.
function walk(loop, stack, depth, at, seen, steps, text, next_at, has_turn, i) {
  depth = 0; steps = 0
  for (i = 1; i <= count[loop]; i++) {
    decode(body[loop, i])
    if (kind == "call" && name(target) ~ /^XSKEngine\.WorkerCore\.beginTurn\(/) { stack[++depth] = i + 1; follow(loop) }
  }
  while (depth > 0) {
    at = stack[depth--]
    if (at in seen || at > count[loop]) continue
    seen[at] = 1; steps++
    decode(body[loop, at])
    if (kind == "end") continue
    if (kind == "table") { fail(brief(name(loop)) ": a jump table inside the turn cannot be followed"); continue }
    if ((kind == "jump" || kind == "branch") && ((loop, target) in place)) {
      stack[++depth] = place[loop, target]
      if (kind == "branch") stack[++depth] = at + 1
      continue
    }
    if (kind != "other") {
      follow(loop)
      if (name(target) ~ /^XSKEngine\.WorkerCore\.endTurn\(/) { ends[loop] = 1; continue }
      if (kind == "jump") continue
    }
    stack[++depth] = at + 1
  }
  if (!(loop in ends)) fail(brief(name(loop)) ": no way from beginTurn to endTurn was found")
  printf "  turn      %5d instructions  %s\n", steps, describe(loop)
}

# For people: the handler that a loop was specialised for, as far as its name tells, and where it is.
function describe(loop, text, i, list, n) {
  text = name(loop)
  n = split(handlers, list, " ")
  for (i = 1; i <= n; i++) if (text ~ ("[^A-Za-z]" list[i] "[^A-Za-z]")) found[list[i]] = 1
  if (!match(text, /generic specialization <[^>]*>/)) return brief(text)
  return substr(text, RSTART + 24, RLENGTH - 25) " in " brief(text)
}

# Whether code that does not itself wait to be specialised reaches this unspecialised loop.
function isRun(address, todo, n, seen, list, count_, i, at) {
  n = 1; todo[1] = address
  while (n > 0) {
    at = todo[n--]
    if (at in seen) continue
    seen[at] = 1
    count_ = split(referrers[at], list, " ")
    for (i = 1; i <= count_; i++) {
      if (list[i] == at) continue
      if (!isUnspecialised(name(list[i]))) return list[i]
      todo[++n] = list[i]
    }
  }
  return ""
}

END {
  n = split("receive dispatch beginTurn endTurn", wanted, " ")
  for (i = 1; i <= n; i++) {
    address = ""
    for (candidate in start) if (index(name(candidate), "XSKEngine.WorkerCore." wanted[i] "(") == 1) address = candidate
    if (address == "") fail("WorkerCore." wanted[i] " is not in the program")
    else if (!(address in queued)) { queued[address] = 1; queue[++queued_count] = address }
  }
  for (loop in loops) {
    if (isUnspecialised(name(loop))) {
      user = isRun(loop)
      if (user != "") fail(brief(name(user)) ": runs the worker's loop without specialising it")
      continue
    }
    walk(loop)
    turns++
  }
  if (!turns) fail("no worker's loop (a function that calls WorkerCore.beginTurn) is in the program")
  n = split(handlers, list, " ")
  for (i = 1; i <= n; i++) if (!(list[i] in found)) fail("no worker's loop is specialised for " list[i])
  for (i = 1; i <= queued_count; i++) {
    address = queue[i]
    steps = split(events[address], step, "\n")
    calls = 0
    for (j = 1; j < steps; j++) {
      split(step[j], part, " ")
      kind = part[1]; target = part[2]; symbol = substr(step[j], length(kind) + length(target) + 3)
      if (target == address) continue
      follow(address)
      calls++
    }
    printf "  function  %5d calls         %s\n", calls, brief(name(address))
  }
  printf "%d functions and %d specialised turns checked, %d faults\n", queued_count, turns, faults
  exit faults > 0
}
