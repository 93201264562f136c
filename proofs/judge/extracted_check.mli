(* The decision of the checker extracted from Coq. A certificate whose tree is refused for any reason gives false. *)
val accepts : Types.program -> Types.property -> Types.semantics -> string -> bool
