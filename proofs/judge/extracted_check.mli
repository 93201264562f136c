(* What of the program the proved checker does not cover; nothing when it does. *)
val uncovered : Types.program -> string option

(* The decision of the checker extracted from Coq. A certificate whose tree is refused for any reason gives false. *)
val accepts : Types.program -> Types.property -> Types.semantics -> string -> bool
