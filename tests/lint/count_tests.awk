# Reads what CTest printed and then its LastTest.log, shows why tests failed, and appends
# "passed failed skipped" to the file named by -v counts=…. A CppUTest executable counts as its
# tests; anything else, and one that died before it could say how it went, as one test. One that
# prints "skipped: " and why counts as skipped.

# The log calls a test passed that could not even be started: only the printed status counts.
FNR == NR {
  if ($0 !~ /^ *[0-9]+\/[0-9]+ Test +#/) next
  name = $0
  sub(/^.*#[0-9]+: /, "", name)
  sub(/ .*/, "", name)
  order[++tests] = name
  how[name] = $0
  sub(/^.* \.+ */, "", how[name])
  sub(/^\*\*\*/, "", how[name])
  status[name] = / Passed /? "passed" : /\*\*\*Skipped/ ? "skipped" : "failed"
  next
}

/^[0-9]+\/[0-9]+ Testing: / { name = $3; show = 0; next }
/^Output:$/ { open = 1; next }
/^<end of output>/ { open = 0 }
!open || /^-----*$/ { next }
/^(OK|Errors) \(.* tests, .* ran, / { summary[name] = $0 }
/skipped: / { print "    " name ": " $0; ++left_out[name] }
/: error: Failure in|ERROR: |WARNING: ThreadSanitizer|: runtime error: |^CMake Error/ { show = 16 }
show > 0 { shown[name] = shown[name] "    " $0 "\n"; --show }
{ last[name, lines[name]++ % 12] = $0 }

function count(name,    n, ran, bad) {
  split(summary[name], n, /[(, ]+/)  # OK (N tests, N ran, N checks, N ignored | Errors (N failures, N tests, …
  if (summary[name] ~ /^OK/) { ran = n[4]; skipped += n[8] }
  else if (summary[name] ~ /^Errors/) { bad = n[2]; ran = n[6]; skipped += n[10] }
  else if (status[name] == "skipped") { ++skipped; return }
  else ran = 1
  # A test that says so did not test, though its executable counts it among those that ran.
  if (left_out[name] > ran - bad) left_out[name] = ran - bad
  ran -= left_out[name]
  skipped += left_out[name]
  # Died after its summary, or without one: a leak found at exit, a crash, a timeout.
  if (status[name] == "failed" && !bad) { bad = 1; if (summary[name]) ++ran }
  passed += ran > bad ? ran - bad : 0
  failed += bad
}

function show_failure(name,    i) {
  print "--- " name ": " how[name]
  for (i = lines[name] > 12 ? lines[name] - 12 : 0; !shown[name] && i < lines[name]; ++i)
    print "    " last[name, i % 12]
  printf "%s", shown[name]
}

END {
  for (t = 1; t <= tests; ++t) count(order[t])
  for (t = 1; t <= tests; ++t) if (status[order[t]] == "failed") show_failure(order[t])
  print passed + 0, failed + 0, skipped + 0 >> counts
}
