(* The two ways in which input can fail. Both carry one sentence that says where and with which numbers. *)

exception Malformed of string   (* the model or the property has no certified meaning: exit status 4 *)
exception Rejected of string    (* the certificate does not prove the claim: exit status 5 *)

let malformed format = Printf.ksprintf (fun text -> raise (Malformed text)) format
let rejected format = Printf.ksprintf (fun text -> raise (Rejected text)) format

(* Names come from the input; shown with everything unprintable escaped and cut to a readable length. *)
let shown name =
  let cut = if String.length name > 80 then String.sub name 0 80 ^ "..." else name in
  String.escaped cut
