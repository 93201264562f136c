(* axiom-check-coq: decides whether a certificate proves that no execution of an ONNX model reaches what a VNN-LIB text
   calls unsafe. The tree is decided by the function extracted from Coq; the plain reading of the same rules counts the
   leaves and says why a certificate is rejected, and the two must agree. The readers are written from spec/ alone and
   share nothing with axiom-check. *)

let usage =
  "usage: axiom-check-coq CERT --model MODEL --property PROPERTY [--semantics S] [--json] [--plain]\n\
   \       axiom-check-coq CERT --model MODEL --property PROPERTY --trace\n\
   \       axiom-check-coq --inspect --model MODEL --property PROPERTY\n\
   \       axiom-check-coq --dump --model MODEL --property PROPERTY\n\n\
   Decides whether the certificate CERT proves that no execution of the ONNX model\n\
   MODEL reaches what the VNN-LIB text PROPERTY calls unsafe. Files are read as they\n\
   are, not decompressed. The tree of the certificate is decided by the checker that\n\
   Coq proves sound.\n\n\
   \  --semantics float32|real\n\
   \              reject a certificate whose claim is about the other arithmetic\n\
   \  --json      print the outcome as one JSON object\n\
   \  --plain     decide by the plain reading instead, for which nothing is proved\n\
   \  --inspect   print the counts of the model's core program and of the property\n\
   \  --dump      print every number of the core program and of the property\n\
   \  --trace     print the result of every instruction, then what the plain reading\n\
   \              decides\n\
   \  --help      print this text\n\n\
   exit status: 0 accepted, 5 rejected, 4 model or property malformed, 3 not covered by\n\
   the proved checker, 2 usage, 70 extracted checker and plain reading disagree\n"

type outcome = {
  mutable semantics : string;
  mutable leaves : int;
  mutable nodes : int;
  mutable model_sha256 : string;
  mutable property_sha256 : string;
}

exception Disagreement of string

(* The proved checker has no answer for such a network. *)
exception Uncovered of string

(* Native code keeps its stack where the system does. Extracted functions recurse along lists and down the tree, so the
   program starts itself again without a limit; a limit that cannot be lifted leaves the program as it is. *)
let without_stack_limit () =
  let mark = "AXIOM_CHECK_COQ_STACK" in
  if Sys.getenv_opt mark = None then begin
    Unix.putenv mark "lifted";
    let lift = "ulimit -s unlimited 2>/dev/null || ulimit -s \"$(ulimit -H -s)\" 2>/dev/null; exec \"$0\" \"$@\"" in
    let arguments = List.tl (Array.to_list Sys.argv) in
    try Unix.execv "/bin/sh" (Array.of_list ("sh" :: "-c" :: lift :: Sys.executable_name :: arguments))
    with Unix.Unix_error _ -> ()
  end

let read_file path =
  match open_in_bin path with
  | exception Sys_error _ -> Refusal.malformed "%s: cannot be opened" path
  | channel ->
    Fun.protect ~finally:(fun () -> close_in_noerr channel) (fun () ->
        try really_input_string channel (in_channel_length channel)
        with Sys_error _ | End_of_file | Invalid_argument _ -> Refusal.malformed "%s: cannot be read" path)

(* Starts work in another process, so that a second processor can do it; the function returned waits for its answer, which
   is None when that process ended without one. *)
let meanwhile work =
  let source, sink = Unix.pipe ~cloexec:true () in
  match Unix.fork () with
  | 0 ->
    (match
       let channel = Unix.out_channel_of_descr sink in
       Marshal.to_channel channel (work ()) [];
       flush channel
     with
     | () -> Unix._exit 0
     | exception _ -> Unix._exit 1)
  | child ->
    Unix.close sink;
    fun () ->
      let channel = Unix.in_channel_of_descr source in
      let answer = try Some (Marshal.from_channel channel) with End_of_file | Failure _ -> None in
      close_in channel;
      ignore (Unix.waitpid [] child);
      answer

let check outcome ~plain certificate model property =
  let header = Certificate.header certificate in
  outcome.semantics <- Types.semantics_name header.semantics;
  let model_digest = Sha256.digest model and property_digest = Sha256.digest property in
  outcome.model_sha256 <- Sha256.hex model_digest;
  outcome.property_sha256 <- Sha256.hex property_digest;
  Certificate.same_digest "model" header.model_digest model_digest;
  Certificate.same_digest "property" header.property_digest property_digest;
  let program = Lower.program (Onnx.read model) in
  let numbers =
    Vnnlib.property header.semantics ~inputs:program.inputs ~outputs:(Array.length program.outputs) (Vnnlib.read program property)
  in
  Certificate.check_counts header program numbers;
  let explain () : (int * int, string) result = Check_tree.check program numbers header.semantics header.tree in
  let count (leaves, nodes) =
    outcome.leaves <- leaves;
    outcome.nodes <- nodes
  in
  if plain then
    match explain () with
    | Ok counts -> count counts
    | Error reason -> raise (Refusal.Rejected reason)
  else begin
    Option.iter (fun what -> raise (Uncovered what)) (Extracted_check.uncovered program);
    let explanation = meanwhile explain in
    let accepted = Extracted_check.accepts program numbers header.semantics header.tree in
    match accepted, explanation () with
    | true, Some (Ok counts) -> count counts
    | false, Some (Error reason) -> raise (Refusal.Rejected reason)
    | true, Some (Error reason) ->
      raise (Disagreement ("the extracted checker accepts what the plain reading rejects: " ^ reason))
    | false, Some (Ok _) -> raise (Disagreement "the extracted checker rejects what the plain reading accepts")
    | _, None -> raise (Disagreement "the plain reading ended without an answer")
  end

let both model property =
  let program = Lower.program (Onnx.read model) in
  let numbers semantics =
    Vnnlib.property semantics ~inputs:program.inputs ~outputs:(Array.length program.outputs) (Vnnlib.read program property)
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

let quoted text =
  let out = Buffer.create (String.length text + 2) in
  Buffer.add_char out '"';
  String.iter (fun c ->
      if c = '"' || c = '\\' then Buffer.add_char out '\\';
      if c < ' ' || c > '~' then Printf.bprintf out "\\u%04x" (Char.code c) else Buffer.add_char out c) text;
  Buffer.add_char out '"';
  Buffer.contents out

(* The object of axiom-check; what the plain reading decided says so in one more member. *)
let print_json ~plain result outcome seconds reason =
  Printf.printf
    "{\"schema\":\"axiom.check.v1\",\"result\":\"%s\",\"semantics\":%s,\"leaves\":%d,\"nodes\":%d,\"seconds\":%g,\
     \"reason\":%s,\"model_sha256\":%s,\"property_sha256\":%s%s}\n"
    result (quoted outcome.semantics) outcome.leaves outcome.nodes seconds (quoted reason) (quoted outcome.model_sha256)
    (quoted outcome.property_sha256) (if plain then ",\"decided_by\":\"plain reading\"" else "")

type arguments = {
  mutable certificate : string option;
  mutable model : string option;
  mutable property : string option;
  mutable semantics : string option;
  mutable json : bool;
  mutable plain : bool;
  mutable trace : bool;
  mutable inspect : bool;
  mutable dump : bool;
}

let refuse text = prerr_endline text; prerr_string usage; exit 2

let parse words =
  let a = { certificate = None; model = None; property = None; semantics = None;
            json = false; plain = false; trace = false; inspect = false; dump = false } in
  let once given what = if given <> None then refuse (what ^ " is given twice") in
  let rec go = function
    | ("--help" | "-h") :: _ -> print_string usage; exit 0
    | "--model" :: path :: rest -> once a.model "--model"; a.model <- Some path; go rest
    | "--property" :: path :: rest -> once a.property "--property"; a.property <- Some path; go rest
    | "--semantics" :: (("float32" | "real") as name) :: rest -> once a.semantics "--semantics"; a.semantics <- Some name; go rest
    | "--semantics" :: _ -> refuse "--semantics is float32 or real"
    | "--json" :: rest -> a.json <- true; go rest
    | "--plain" :: rest -> a.plain <- true; go rest
    | "--inspect" :: rest -> a.inspect <- true; go rest
    | "--dump" :: rest -> a.dump <- true; go rest
    | "--trace" :: rest -> a.trace <- true; a.plain <- true; go rest
    | option :: _ when String.length option > 1 && option.[0] = '-' -> refuse (option ^ ": not understood")
    | path :: rest -> once a.certificate "the certificate"; a.certificate <- Some path; go rest
    | [] -> ()
  in
  go words;
  a

let decide a certificate model property =
  let outcome = { semantics = ""; leaves = 0; nodes = 0; model_sha256 = ""; property_sha256 = "" } in
  let started = Unix.gettimeofday () in
  let result, status, reason =
    match
      (* in the order in which axiom-check opens them *)
      let model = read_file model in
      let property = read_file property in
      check outcome ~plain:a.plain (read_file certificate) model property
    with
    | () ->
      (match a.semantics with
       | Some asked when asked <> outcome.semantics ->
         "rejected", 5, Printf.sprintf "the claim is about %s, not about %s" outcome.semantics asked
       | _ -> "accepted", 0, "")
    | exception Refusal.Rejected reason -> "rejected", 5, reason
    | exception Uncovered what -> "uncovered", 3, "the proved checker does not cover " ^ what ^ "; --plain asks the plain reading"
    | exception Refusal.Malformed reason -> "error", 4, reason
    | exception Stack_overflow -> "error", 4, "out of stack"
    | exception Out_of_memory -> "error", 4, "out of memory"
    | exception Disagreement reason -> "error", 70, "internal error: " ^ reason
  in
  let seconds = Unix.gettimeofday () -. started in
  if a.json then print_json ~plain:a.plain result outcome seconds reason
  else begin
    let by = if a.plain then " (plain reading)" else "" in
    match result with
    | "accepted" -> Printf.printf "ACCEPTED %s %d leaves %.3f s%s\n" outcome.semantics outcome.leaves seconds by
    | "rejected" -> Printf.printf "REJECTED: %s%s\n" reason by
    | _ -> prerr_endline reason
  end;
  status

let show a model property =
  match
    let model = read_file model in
    let property = read_file property in
    if a.inspect then inspect model property
    else begin
      let program, numbers = both model property in
      Dump.program stdout program;
      List.iter (fun semantics ->
          match numbers semantics with
          | n -> Dump.property stdout semantics n
          | exception Refusal.Malformed text ->
            Printf.printf "property %s malformed: %s\n" (Types.semantics_name semantics) text)
        [ Types.Real; Types.Float32 ]
    end
  with
  | () -> 0
  | exception Refusal.Malformed reason -> prerr_endline reason; 4
  | exception Stack_overflow -> prerr_endline "out of stack"; 4
  | exception Out_of_memory -> prerr_endline "out of memory"; 4

let () =
  without_stack_limit ();
  (* Nearly everything that the extracted checker allocates is garbage at once. *)
  Gc.set { (Gc.get ()) with space_overhead = 200 };
  let a = parse (List.tl (Array.to_list Sys.argv)) in
  if a.trace then Check_tree.trace := Some (fun what bits -> Printf.printf "%s %016Lx\n" what bits);
  let status =
    match a with
    | { certificate = Some c; model = Some m; property = Some p; inspect = false; dump = false; _ } -> decide a c m p
    | { certificate = None; model = Some m; property = Some p; json = false; plain = false; semantics = None; _ }
      when a.inspect <> a.dump -> show a m p
    | _ -> refuse "arguments are missing or do not go together"
  in
  flush stdout;
  exit status
