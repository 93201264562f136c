#!/usr/bin/env bash
# Proves, refutes and audits the properties of examples/collision_avoidance. ./dev demo builds, then runs this.
# Fails if a verdict is not the documented one or if the independent checker rejects a certificate.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/collision_avoidance"
bin=$(cd ../../build/bin && pwd)
model=advisory.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bold='' dim='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi
title() { printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"; }
die() { echo "demo: $*" >&2; exit 1; }

# timed <command>...: runs it with its output in $work/out; sets status and seconds.
timed() {
  local start=$EPOCHREALTIME
  status=0
  "$@" >"$work/out" || status=$?
  seconds=$(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $start }")
}

# words: the witness in $work/out as a pilot would put it.
words() {
  awk '$2 != "=" { next }
    $1 == "X" { printf "  In words: the intruder is %.0f ft %s us; rates of climb: ours %.0f ft/min, its %.0f ft/min; %.1f s to go.\n",
                       100 * ($3 < 0 ? -$3 : $3), $3 < 0 ? "below" : "above", 100 * $4, 100 * $5, $6 }
    $1 == "Y" { print "  The network advises:", ($3 >= $4 && $3 >= $5 ? "clear" : $5 >= $4 ? "climb" : "descend") }' "$work/out"
}

# claim <property> <semantics> <verified|violated>: verifies, and has a proof checked.
claim() {
  local property=$1.vnnlib semantics=$2 expected=$3 certificate=$work/$1.$2.cert verdict
  printf '%s$ axiom verify %s %s --semantics %s%s\n' "$dim" "$model" "$property" "$semantics" "$plain"
  timed "$bin/axiom" verify "$model" "$property" --semantics "$semantics" --certificate "$certificate"
  sed 's/^/  /' "$work/out"
  case $status in
    0) verdict=verified ;;
    1) verdict=violated ;;
    3) verdict=unknown ;;
    *) die "axiom verify $property: exit status $status" ;;
  esac
  [[ $verdict == "$expected" ]] || die "$property is $verdict in $semantics, and should be $expected"
  if [[ $verdict == verified ]]; then
    timed "$bin/axiom-check" "$certificate" --model "$model" --property "$property"
    [[ $status == 0 ]] || { cat "$work/out" >&2; die "axiom-check rejects the certificate of $property"; }
    printf '  certificate of %s bytes; axiom-check, which shares no code with axiom, accepts it in %s s\n' \
      "$(wc -c <"$certificate")" "$seconds"
  else
    words
  fi
  echo
}

# question <property>: the question and the encounters it is about: the first two paragraphs of the property file.
question() {
  title "$(sed -n '1s/^; //p' "$1.vnnlib")"
  awk '$0 == ";" { if (++blank == 2) exit; next } blank { sub(/^;/, " "); print }' "$1.vnnlib"
  echo
}

cat <<TEXT
${bold}Two aircraft approach each other. A neural network advises: clear, descend or climb.${plain}
Which promises does it keep for every encounter of a kind, and not only for those that were tried?
TEXT

question never_climb_into_intruder
claim never_climb_into_intruder float32 verified
claim never_climb_into_intruder real verified

question alert_when_level
claim alert_when_level float32 verified
claim alert_when_level real verified

question alert_when_diving
claim alert_when_diving float32 violated
claim alert_when_diving real violated

question edge_of_decision
claim edge_of_decision real verified
claim edge_of_decision float32 violated

title "A certificate belongs to its weights."
echo "  One byte of one weight is changed; the certificate of the first promise must not vouch for that network."
echo
changed=$work/$model
cp "$model" "$changed"
byte=$(od -An -tu1 -j1000 -N1 "$model")
printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$changed" bs=1 seek=1000 conv=notrunc status=none
printf '%s$ axiom-check CERTIFICATE --model CHANGED --property never_climb_into_intruder.vnnlib%s\n' "$dim" "$plain"
timed "$bin/axiom-check" "$work/never_climb_into_intruder.float32.cert" --model "$changed" \
  --property never_climb_into_intruder.vnnlib
sed 's/^/  /' "$work/out"
[[ $status == 5 ]] || die "axiom-check should reject the certificate with exit status 5, and exits with $status"

title "What you have seen"
cat <<'TEXT'
Two promises hold, for every encounter in the box and for every order in which a float32 program may sum: the
certificates say why, and axiom-check followed each step without trusting the search that found them.
One promise is broken: the witness is an encounter to train on.
One promise holds on paper and is broken by rounding: a proof about real numbers alone would have called it safe.

examples/collision_avoidance/README.md tells the whole story.
TEXT
