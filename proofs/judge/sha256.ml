(* SHA-256 (FIPS 180-4), since the digests of the OCaml standard library are MD5. Words are kept in native integers,
   masked to 32 bits; K and the start values are the first 32 bits of the fractions of cube and square roots of primes. *)

let k = [|
  0x428a2f98; 0x71374491; 0xb5c0fbcf; 0xe9b5dba5; 0x3956c25b; 0x59f111f1; 0x923f82a4; 0xab1c5ed5;
  0xd807aa98; 0x12835b01; 0x243185be; 0x550c7dc3; 0x72be5d74; 0x80deb1fe; 0x9bdc06a7; 0xc19bf174;
  0xe49b69c1; 0xefbe4786; 0x0fc19dc6; 0x240ca1cc; 0x2de92c6f; 0x4a7484aa; 0x5cb0a9dc; 0x76f988da;
  0x983e5152; 0xa831c66d; 0xb00327c8; 0xbf597fc7; 0xc6e00bf3; 0xd5a79147; 0x06ca6351; 0x14292967;
  0x27b70a85; 0x2e1b2138; 0x4d2c6dfc; 0x53380d13; 0x650a7354; 0x766a0abb; 0x81c2c92e; 0x92722c85;
  0xa2bfe8a1; 0xa81a664b; 0xc24b8b70; 0xc76c51a3; 0xd192e819; 0xd6990624; 0xf40e3585; 0x106aa070;
  0x19a4c116; 0x1e376c08; 0x2748774c; 0x34b0bcb5; 0x391c0cb3; 0x4ed8aa4a; 0x5b9cca4f; 0x682e6ff3;
  0x748f82ee; 0x78a5636f; 0x84c87814; 0x8cc70208; 0x90befffa; 0xa4506ceb; 0xbef9a3f7; 0xc67178f2 |]

let mask = 0xffffffff
let rotate x n = ((x lsr n) lor (x lsl (32 - n))) land mask

(* One block of 64 bytes at [offset]; [h] holds the eight words of the state, [w] is scratch of 64 words. *)
let block h w read offset =
  for t = 0 to 15 do
    let p = offset + 4 * t in
    w.(t) <- (read p lsl 24) lor (read (p + 1) lsl 16) lor (read (p + 2) lsl 8) lor read (p + 3)
  done;
  for t = 16 to 63 do
    let x = w.(t - 15) and y = w.(t - 2) in
    let s0 = rotate x 7 lxor rotate x 18 lxor (x lsr 3) in
    let s1 = rotate y 17 lxor rotate y 19 lxor (y lsr 10) in
    w.(t) <- (w.(t - 16) + s0 + w.(t - 7) + s1) land mask
  done;
  let a = ref h.(0) and b = ref h.(1) and c = ref h.(2) and d = ref h.(3) in
  let e = ref h.(4) and f = ref h.(5) and g = ref h.(6) and i = ref h.(7) in
  for t = 0 to 63 do
    let s1 = rotate !e 6 lxor rotate !e 11 lxor rotate !e 25 in
    let choice = (!e land !f) lxor ((lnot !e) land mask land !g) in
    let t1 = (!i + s1 + choice + k.(t) + w.(t)) land mask in
    let s0 = rotate !a 2 lxor rotate !a 13 lxor rotate !a 22 in
    let majority = (!a land !b) lxor (!a land !c) lxor (!b land !c) in
    let t2 = (s0 + majority) land mask in
    i := !g; g := !f; f := !e;
    e := (!d + t1) land mask;
    d := !c; c := !b; b := !a;
    a := (t1 + t2) land mask
  done;
  let add n x = h.(n) <- (h.(n) + x) land mask in
  add 0 !a; add 1 !b; add 2 !c; add 3 !d; add 4 !e; add 5 !f; add 6 !g; add 7 !i

(* The digest of [text], 32 bytes. *)
let digest text =
  let h = [| 0x6a09e667; 0xbb67ae85; 0x3c6ef372; 0xa54ff53a; 0x510e527f; 0x9b05688c; 0x1f83d9ab; 0x5be0cd19 |] in
  let w = Array.make 64 0 in
  let length = String.length text in
  let whole = length / 64 in
  for n = 0 to whole - 1 do
    block h w (fun p -> Char.code (String.unsafe_get text p)) (64 * n)
  done;
  let rest = length - 64 * whole in
  let tail = Bytes.make (if rest < 56 then 64 else 128) '\000' in
  Bytes.blit_string text (64 * whole) tail 0 rest;
  Bytes.set tail rest '\x80';
  Bytes.set_int64_be tail (Bytes.length tail - 8) (Int64.of_int (8 * length));
  for n = 0 to Bytes.length tail / 64 - 1 do
    block h w (fun p -> Char.code (Bytes.get tail p)) (64 * n)
  done;
  let out = Bytes.create 32 in
  Array.iteri (fun n x -> Bytes.set_int32_be out (4 * n) (Int32.of_int x)) h;
  Bytes.to_string out

let hex bytes =
  String.concat "" (List.map (fun c -> Printf.sprintf "%02x" (Char.code c)) (List.of_seq (String.to_seq bytes)))
