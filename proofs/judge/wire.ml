(* Reader of the protobuf wire format over a slice of the file: varints, fixed 32 and 64 bits, length-delimited fields.
   Nothing is copied; a nested message is another slice. Every position is checked against the end of its slice. *)

open Refusal

type slice = { text : string; mutable at : int; stop : int }

type value =
  | Varint of int64
  | Fixed64 of int64
  | Fixed32 of int32
  | Bytes of slice

let whole text = { text; at = 0; stop = String.length text }
let length s = s.stop - s.at
let at_end s = s.at >= s.stop
let contents s = String.sub s.text s.at (length s)

let byte s =
  if s.at >= s.stop then malformed "onnx: message ends inside a field at byte %d" s.at;
  let b = Char.code (String.unsafe_get s.text s.at) in
  s.at <- s.at + 1;
  b

(* At most ten bytes, the tenth holds one bit. *)
let varint s =
  let begun = s.at in
  let result = ref 0L and shift = ref 0 and more = ref true in
  while !more do
    let b = byte s in
    if !shift = 63 && b > 1 then malformed "onnx: varint at byte %d exceeds 64 bits" begun;
    result := Int64.logor !result (Int64.shift_left (Int64.of_int (b land 127)) !shift);
    shift := !shift + 7;
    more := b >= 128
  done;
  !result

let fixed32 s =
  if length s < 4 then malformed "onnx: message ends inside a field at byte %d" s.at;
  let v = String.get_int32_le s.text s.at in
  s.at <- s.at + 4;
  v

let fixed64 s =
  if length s < 8 then malformed "onnx: message ends inside a field at byte %d" s.at;
  let v = String.get_int64_le s.text s.at in
  s.at <- s.at + 8;
  v

let bytes s =
  let begun = s.at in
  let n = varint s in
  if Int64.compare n 0L < 0 || Int64.compare n (Int64.of_int (length s)) > 0 then
    malformed "onnx: field at byte %d claims %Lu bytes, %d are left" begun n (length s);
  let inner = { text = s.text; at = s.at; stop = s.at + Int64.to_int n } in
  s.at <- inner.stop;
  inner

(* The next field: its number and value. Groups are not part of ONNX. *)
let field s =
  let begun = s.at in
  let key = varint s in
  if Int64.compare key 0L < 0 || Int64.compare key 0xFFFFFFFFL > 0 then malformed "onnx: bad field key at byte %d" begun;
  let key = Int64.to_int key in
  if key lsr 3 = 0 then malformed "onnx: field number 0 at byte %d" begun;
  let value =
    match key land 7 with
    | 0 -> Varint (varint s)
    | 1 -> Fixed64 (fixed64 s)
    | 2 -> Bytes (bytes s)
    | 5 -> Fixed32 (fixed32 s)
    | kind -> malformed "onnx: wire type %d at byte %d" kind begun
  in
  key lsr 3, value

(* Calls [f number value] for every field of the message. *)
let iter f slice =
  let s = { slice with at = slice.at } in
  while not (at_end s) do
    let number, value = field s in
    f number value
  done

let wrong what = malformed "onnx: %s has the wrong wire type" what
let as_varint what = function Varint v -> v | _ -> wrong what
let as_bytes what = function Bytes s -> s | _ -> wrong what
let as_string what v = contents (as_bytes what v)
let as_float what = function Fixed32 bits -> Int32.float_of_bits bits | _ -> wrong what

(* Repeated scalars: one at a time or packed. *)
let each_varint what f = function
  | Varint v -> f v
  | Bytes s ->
    let s = { s with at = s.at } in
    while not (at_end s) do f (varint s) done
  | _ -> wrong what

let each_float what f = function
  | Fixed32 bits -> f (Int32.float_of_bits bits)
  | Bytes s ->
    if length s land 3 <> 0 then malformed "onnx: %s: %d bytes are no whole number of floats" what (length s);
    let s = { s with at = s.at } in
    while not (at_end s) do f (Int32.float_of_bits (fixed32 s)) done
  | _ -> wrong what
