(* Whether a proof tree proves a property of a core program: spec/certificate.md sections 4 to 8, read plainly. The
   function extracted from Coq has the same type and takes its place; main.ml calls whichever is linked. *)

(* The number of leaves and of nodes of the tree, or the reason why it proves nothing. *)
val check : Types.program -> Types.property -> Types.semantics -> string -> (int * int, string) result

(* Called after every PROPAGATE and CLIP with a fingerprint of all bounds of input and affine elements, and after every
   sweep of a constraint form with the bits of its result, 0 if it failed. For tests; changes nothing. *)
val trace : (string -> int64 -> unit) option ref
