(* The header of a certificate (spec/certificate.md section 9) and the integers of section 8. What follows the header is
   the tree, handed on as bytes. *)

open Refusal

let magic = "AXCERT01"

type header = {
  semantics : Types.semantics;
  model_digest : string;      (* 32 bytes each *)
  property_digest : string;
  inputs : int;
  outputs : int;
  operators : int;
  elements : int;
  disjuncts : int;
  tree : string;
}

(* An unsigned LEB128 integer of at most 9 bytes (63 bits, of which a native integer holds 62 and a sign; what is larger
   than max_int comes back as max_int, which refers to nothing either), without a redundant last zero byte. *)
let varint where text at =
  let n = String.length text in
  let result = ref 0 and shift = ref 0 and more = ref true in
  while !more do
    if !at >= n then rejected "%s: ends inside an integer" where;
    if !shift = 63 then rejected "%s: an integer has more than 9 bytes" where;
    let b = Char.code text.[!at] in
    incr at;
    if !shift = 56 && b land 64 <> 0 then result := max_int
    else result := !result lor ((b land 127) lsl !shift);
    if b = 0 && !shift > 0 then rejected "%s: an integer has a redundant last byte" where;
    shift := !shift + 7;
    more := b >= 128
  done;
  !result

let header text =
  let where = "header" in
  let at = ref 0 in
  let take n =
    let left = String.length text - !at in
    if left < n then rejected "%s: ends after %d of %d bytes" where left n;
    at := !at + n;
    String.sub text (!at - n) n
  in
  if String.length text < String.length magic || take 8 <> magic then rejected "%s: does not begin with %s" where magic;
  let semantics =
    match Char.code (take 1).[0] with
    | 0 -> Types.Real
    | 1 -> Types.Float32
    | other -> rejected "%s: semantics %d is neither 0 nor 1" where other
  in
  let model_digest = take 32 in
  let property_digest = take 32 in
  let inputs = varint where text at in
  let outputs = varint where text at in
  let operators = varint where text at in
  let elements = varint where text at in
  let disjuncts = varint where text at in
  let length = varint where text at in
  let left = String.length text - !at in
  if length <> left then rejected "%s: the tree has %d bytes, %d follow" where length left;
  { semantics; model_digest; property_digest; inputs; outputs; operators; elements; disjuncts; tree = take length }

let same what claimed computed =
  if claimed <> computed then rejected "header: %s is %d, not %d" what claimed computed

let same_digest what claimed computed =
  if claimed <> computed then rejected "header: sha256 of the %s is %s, not %s" what (Sha256.hex claimed) (Sha256.hex computed)

let check_counts h (program : Types.program) (property : Types.property) =
  same "number of inputs" h.inputs program.inputs;
  same "number of outputs" h.outputs (Array.length program.outputs);
  same "number of core operators" h.operators (Array.length program.operators);
  same "number of elements" h.elements program.elements;
  same "number of disjuncts" h.disjuncts (Array.length property)
