(* axiom-check-coq: decides whether a certificate proves that no execution of an ONNX model reaches what a VNN-LIB text
   calls unsafe. Its readers are written from spec/ alone and share nothing with axiom-check. *)

let usage =
  "usage: axiom-check-coq CERT --model MODEL --property PROPERTY\n\
   \       axiom-check-coq CERT --model MODEL --property PROPERTY --trace\n\
   \       axiom-check-coq --inspect --model MODEL --property PROPERTY\n\
   \       axiom-check-coq --dump --model MODEL --property PROPERTY\n\n\
   Decides whether the certificate CERT proves that no execution of the ONNX model\n\
   MODEL reaches what the VNN-LIB text PROPERTY calls unsafe. Files are read as they\n\
   are, not decompressed.\n\n\
   \  --inspect   print the counts of the model's core program and of the property\n\
   \  --dump      print every number of the core program and of the property\n\
   \  --trace     print the result of every instruction of the certificate\n\
   \  --help      print this text\n\n\
   exit status: 0 accepted, 5 rejected, 4 model or property malformed, 2 usage\n"

let read_file path =
  match open_in_bin path with
  | exception Sys_error _ -> Refusal.malformed "%s: cannot be opened" path
  | channel ->
    Fun.protect ~finally:(fun () -> close_in_noerr channel) (fun () ->
        try really_input_string channel (in_channel_length channel)
        with Sys_error _ | End_of_file | Invalid_argument _ -> Refusal.malformed "%s: cannot be read" path)

let check certificate model property =
  let started = Unix.gettimeofday () in
  let header = Certificate.header certificate in
  Certificate.same_digest "model" header.model_digest (Sha256.digest model);
  Certificate.same_digest "property" header.property_digest (Sha256.digest property);
  let program = Lower.program (Onnx.read model) in
  let numbers =
    Vnnlib.property header.semantics ~inputs:program.inputs ~outputs:(Array.length program.outputs) (Vnnlib.read property)
  in
  Certificate.check_counts header program numbers;
  match Check_tree.check program numbers header.semantics header.tree with
  | Error reason -> raise (Refusal.Rejected reason)
  | Ok (leaves, _) ->
    Printf.printf "ACCEPTED %s %d leaves %.3f s\n" (Types.semantics_name header.semantics) leaves
      (Unix.gettimeofday () -. started)

let both model property =
  let program = Lower.program (Onnx.read model) in
  let numbers semantics =
    Vnnlib.property semantics ~inputs:program.inputs ~outputs:(Array.length program.outputs) (Vnnlib.read property)
  in
  program, numbers

let inspect model property =
  let program, numbers = both model property in
  let numbers = numbers Types.Real in
  let sum f list = Array.fold_left (fun n x -> n + f x) 0 list in
  Printf.printf "%d inputs, %d outputs, %d operators, %d elements, %d terms, %d disjuncts, %d constraints\n"
    program.inputs (Array.length program.outputs) (Array.length program.operators) program.elements
    (sum Types.operator_terms program.operators) (Array.length numbers)
    (sum (fun (d : Types.disjunct) -> Array.length d.forms) numbers);
  Array.iteri (fun p operator ->
      Printf.printf "%d %s: elements %d + %d, %d terms\n" p (Types.operator_name operator) program.first.(p)
        (Types.operator_size operator) (Types.operator_terms operator)) program.operators

let () =
  let cert = ref None and model = ref None and property = ref None and mode = ref `Check in
  let refuse text = prerr_endline text; prerr_string usage; exit 2 in
  let once cell what value = if !cell <> None then refuse (what ^ " is given twice") else cell := Some value in
  let rec arguments = function
    | "--help" :: _ -> print_string usage; exit 0
    | "--model" :: path :: rest -> once model "--model" path; arguments rest
    | "--property" :: path :: rest -> once property "--property" path; arguments rest
    | "--inspect" :: rest -> mode := `Inspect; arguments rest
    | "--trace" :: rest ->
      Check_tree.trace := Some (fun what bits -> Printf.printf "%s %016Lx\n" what bits);
      arguments rest
    | "--dump" :: rest -> mode := `Dump; arguments rest
    | option :: _ when String.length option > 1 && option.[0] = '-' -> refuse (option ^ ": not understood")
    | path :: rest -> once cert "the certificate" path; arguments rest
    | [] -> ()
  in
  arguments (List.tl (Array.to_list Sys.argv));
  let finish status = flush stdout; exit status in
  match
    match !mode, !cert, !model, !property with
    | `Check, Some c, Some m, Some p ->
      let c = read_file c in
      let m = read_file m in
      check c m (read_file p)
    | `Inspect, None, Some m, Some p -> let m = read_file m in inspect m (read_file p)
    | `Dump, None, Some m, Some p ->
      let m = read_file m in
      let program, numbers = both m (read_file p) in
      Dump.program stdout program;
      List.iter (fun semantics ->
          match numbers semantics with
          | n -> Dump.property stdout semantics n
          | exception Refusal.Malformed text ->
            Printf.printf "property %s malformed: %s\n" (Types.semantics_name semantics) text)
        [ Types.Real; Types.Float32 ]
    | _ -> refuse "arguments are missing or do not go together"
  with
  | () -> finish 0
  | exception Refusal.Rejected reason -> Printf.printf "REJECTED: %s\n" reason; finish 5
  | exception Refusal.Malformed reason -> prerr_endline reason; finish 4
  | exception Stack_overflow -> prerr_endline "out of stack"; finish 4
  | exception Out_of_memory -> prerr_endline "out of memory"; finish 4
