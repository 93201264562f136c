(* Arrays that grow at the end: integers and unboxed floats; and a map for long lists. *)

type ints = { mutable i : int array; mutable ni : int }
type floats = { mutable f : float array; mutable nf : int }

let ints () = { i = Array.make 16 0; ni = 0 }
let floats () = { f = Array.make 16 0.0; nf = 0 }

let push_int g (x : int) =
  if g.ni = Array.length g.i then begin
    let wider = Array.make (2 * g.ni) 0 in
    Array.blit g.i 0 wider 0 g.ni;
    g.i <- wider
  end;
  Array.unsafe_set g.i g.ni x;
  g.ni <- g.ni + 1

let push_float g (x : float) =
  if g.nf = Array.length g.f then begin
    let wider = Array.make (2 * g.nf) 0.0 in
    Array.blit g.f 0 wider 0 g.nf;
    g.f <- wider
  end;
  Array.unsafe_set g.f g.nf x;
  g.nf <- g.nf + 1

(* List.map without a stack frame per item, in order. *)
let map_list f list = List.rev (List.rev_map f list)

let int_array g = Array.sub g.i 0 g.ni
let float_array g = Array.sub g.f 0 g.nf
