(* The checker of spec/certificate.md as a Gallina function over primitive floats and
   63-bit integers: the same arithmetic, operation by operation, on the bytes of a
   proof tree. Nothing about the bytes is trusted: they hold choices, and CheckSound
   proves the answer for every list of bytes.

   Relies on the definitions of Layers, Backward and Forms. *)
From Coq Require Import ZArith List Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Binary64 Semantics Rounding AffineRows Lines Store Sweep Backward ChainSweep Layers Forms.
Import ListNotations.
Local Open Scope bool_scope.

Record env := Env {
  e_sem : semantics;
  e_ins : nat;
  e_total : int;
  e_inputs : list int;
  e_layers : list layer;
  e_outputs : list int;
  e_disjuncts : list fdisjunct;
  e_affine : PArray.array bool;    (* elements of affine operators *)
  e_relevant : PArray.array bool;  (* read by a unary or maxpool operator *)
  e_unhinged : PArray.array bool   (* read by an operator that is neither relu nor leaky_relu *)
}.

Definition mark (l : list int) (a : PArray.array bool) : PArray.array bool := fold_left (fun a e => write a e true) l a.

Definition is_affine (o : operator) : bool := match o with Affine _ _ _ => true | _ => false end.
Definition is_softmax (o : operator) : bool := match o with Softmax _ => true | _ => false end.
Definition is_hinge (o : operator) : bool := match o with Relu _ | LeakyRelu _ _ => true | _ => false end.

Definition make_env (s : semantics) (p : program) (disjuncts : list fdisjunct) : env :=
  let first := int_of (inputs p) in
  let total := fold_left (fun t o => t + int_of (count o))%uint63 (operators p) first in
  let layers := make_layers total first [(0%uint63, inputs p)] (operators p) in
  let marks f := fold_left (fun a l => f l a) layers (PArray.make total false) in
  Env s (inputs p) total (ints_from 0 (inputs p)) layers (outputs p) disjuncts
    (marks (fun l a => if is_affine (l_op l) then mark (l_elements l) a else a))
    (marks (fun l a => if is_affine (l_op l) || is_softmax (l_op l) then a else mark (sources_of (l_op l)) a))
    (marks (fun l a => if is_hinge (l_op l) then a else mark (sources_of (l_op l)) a)).

(* What lowering and the reading of the property guarantee *)
Definition variable_ok (E : env) (v : variable) : bool :=
  match v with X j => (j <? e_ins E)%nat | Y k => (k <? length (e_outputs E))%nat end.

Definition constraint_ok (E : env) (c : fconstraint) : bool :=
  forallb (fun t => variable_ok E (fst t)) (fleft c) && (Z.of_nat (length (fleft c)) <=? 2 ^ 20)%Z && (1 <=? length (fleft c))%nat.

Definition env_ok (E : env) : bool :=
  forallb layer_ok (e_layers E) &&
  (e_total E <=? PArray.max_length)%uint63 && (Z.of_nat (e_ins E) <=? 2 ^ 22)%Z &&
  forallb (fun e => (e <? e_total E)%uint63) (e_outputs E) &&
  forallb (fun c => (length (fbox c) =? e_ins E)%nat && forallb (constraint_ok E) (fconstraints c) &&
             forallb (fun b => is_finite (fst b) && is_finite (snd b)) (fbox c)) (e_disjuncts E).

(* ---- Contexts *)

Definition no_bounds (E : env) : bounds :=
  Bounds (PArray.make (e_total E) neg_infinity) (PArray.make (e_total E) infinity) (PArray.make (e_total E) infinity).

Definition hull (l : list fdisjunct) (j : nat) : float * float :=
  match l with
  | [] => (nan, nan)
  | c :: m => fold_left (fun b c => (least (fst b) (fst (nth j (fbox c) (nan, nan))), most (snd b) (snd (nth j (fbox c) (nan, nan))))) m
                (nth j (fbox c) (nan, nan))
  end.

Definition initial (E : env) : bounds :=
  fold_left (fun b e => let h := hull (e_disjuncts E) (Z.to_nat (to_Z e)) in set_bounds b e (fst h) (snd h)) (e_inputs E) (no_bounds E).

Definition refresh (E : env) (b : bounds) : option bounds :=
  fold_left (fun ob l => match ob with Some b => store_derived (e_sem E) b l | None => None end) (e_layers E) (Some b).

Definition sops_of (E : env) (b : bounds) (ls : list layer) (sl : slopes) : list sop :=
  fst (fold_left (fun st l => let (o, sl') := layer_sop (e_sem E) b l (snd st) in (o :: fst st, sl')) ls ([], sl)).

Definition all_sops (E : env) (b : bounds) (sl : slopes) : list sop := sops_of E b (e_layers E) sl.

Definition meet_box (E : env) (b : bounds) (c : fdisjunct) : bounds :=
  fold_left (fun b p => meet b (fst p) (fst (snd p)) (snd (snd p))) (combine (e_inputs E) (fbox c)) b.

(* ---- PROPAGATE *)

Definition zeros (E : env) : PArray.array float := PArray.make (e_total E) 0%float.

(* The lower bound of a * y_e that a sweep gives, nan if it fails. *)
Definition array_row (E : env) (b : bounds) (sops : list sop) (ms : list (int * float)) (e : int) (a : float) : float :=
  let lo := read (blo b) in let hi := read (bhi b) in let x := read (bx b) in
  match sweep lo hi x sops ms 0 (write (zeros E) e a) with
  | Some (c, A) => match input_bound lo hi x (e_inputs E) c A with Some lb => lb | None => nan end
  | None => nan
  end.

(* linked: chained sops (e_inputs E), computed once for all rows *)
Definition row_sweep (E : env) (b : bounds) (linked : bool) (sops : list sop) (e : int) (a : float) : float :=
  if linked then chain_row (read (blo b)) (read (bhi b)) (read (bx b)) (e_inputs E) sops e a else array_row E b sops [] e a.

Definition is_swept (E : env) (b : bounds) (e : int) : bool :=
  read (e_relevant E) e && (read (blo b) e <? read (bhi b) e)%float && (read (e_unhinged E) e || open_at b e).

Definition interval_bounds (E : env) (b : bounds) (l : layer) (factor rho : float) (c : compiled) : float * float :=
  let size := row_s (read (bx b)) c in
  let e := row_e (e_sem E) factor rho (largest_x b (l_read l)) c size in
  let slack := row_slack c e size in
  (lower (row_low (read (blo b)) (read (bhi b)) (source c)) slack, upper (row_high (read (blo b)) (read (bhi b)) (source c)) slack).

Definition meet_finite (ob : option bounds) (p : int * (float * float)) : option bounds :=
  match ob with
  | Some b => let b' := meet b (fst p) (fst (snd p)) (snd (snd p)) in if finite_at b' (fst p) then Some b' else None
  | None => None
  end.

Definition meet_all (b : bounds) (l : list (int * (float * float))) : bounds :=
  fold_left (fun b p => meet b (fst p) (fst (snd p)) (snd (snd p))) l b.

Definition propagate_layer (E : env) (first : bool) (rule : slope) (swept : bool) (st : option (bounds * list sop)) (l : layer)
    : option (bounds * list sop) :=
  match st with
  | None => None
  | Some (b, sops) =>
      match l_op l with
      | Affine factor rho _ =>
          if first && negb (forallb (fun c => premise_ok factor c (row_s (read (bx b)) c)) (l_rows l)) then None
          else
            match fold_left meet_finite (combine (l_elements l) (map (interval_bounds E b l factor rho) (l_rows l))) (Some b) with
            | None => None
            | Some b1 =>
                let o := fst (layer_sop (e_sem E) b l (Rule rule)) in
                if swept then
                  let rows := filter (is_swept E b1) (l_elements l) in
                  let linked := chained (o :: sops) (e_inputs E) in
                  let found := map (fun e => (e, (row_sweep E b1 linked (o :: sops) e 1, (- row_sweep E b1 linked (o :: sops) e (-1))%float))) rows in
                  Some (meet_all b1 found, o :: sops)
                else Some (b1, o :: sops)
            end
      | _ =>
          match store_derived (e_sem E) b l with
          | Some b1 => Some (b1, fst (layer_sop (e_sem E) b1 l (Rule rule)) :: sops)
          | None => None
          end
      end
  end.

(* swept: for each layer whether its rows are swept *)
Definition propagate (E : env) (first : bool) (rule : slope) (swept : list bool) (b : bounds) : option bounds :=
  match fold_left (fun st p => propagate_layer E first rule (snd p) st (fst p)) (combine (e_layers E) swept) (Some (b, [])) with
  | Some (b', _) => Some b'
  | None => None
  end.

(* ---- The constraint form *)

Definition run_form (E : env) (b : bounds) (sl : slopes) (multipliers : list (int * float)) (f : float * PArray.array float)
    : option (float * PArray.array float * float) :=
  let lo := read (blo b) in let hi := read (bhi b) in let x := read (bx b) in
  match sweep lo hi x (all_sops E b sl) multipliers (fst f) (snd f) with
  | Some (c, A) => match input_bound lo hi x (e_inputs E) c A with Some lb => Some (c, A, lb) | None => None end
  | None => None
  end.

Definition clip (E : env) (b : bounds) (A : PArray.array float) (lb : float) : bounds :=
  let found := map (fun j => let a := read A j in (j, clip_end a (end_of (read (blo b)) (read (bhi b)) a j) lb))
                 (filter (fun j => negb (read A j =? 0)%float) (e_inputs E)) in
  meet_all b found.

(* ---- Reading bytes *)

Definition bytes := list int.

Fixpoint varint_from (k : nat) (shift acc : int) (l : bytes) : option (int * bytes) :=
  match k, l with
  | S k', b :: r =>
      let acc' := (acc lor ((b land 127) << shift))%uint63 in
      if (b <? 128)%uint63 then
        if ((b =? 0) && negb (shift =? 0))%uint63 then None else Some (acc', r)
      else varint_from k' (shift + 7)%uint63 acc' r
  | _, _ => None
  end.
Definition varint : bytes -> option (int * bytes) := varint_from 9 0 0.

Definition index (limit : int) (l : bytes) : option (int * bytes) :=
  match varint l with
  | Some (n, r) => if (n <? limit)%uint63 then Some (n, r) else None
  | None => None
  end.

Fixpoint little_endian (k : nat) (l : bytes) : option (int * bytes) :=
  match k, l with
  | O, _ => Some (0%uint63, l)
  | S k', b :: r => match little_endian k' r with Some (n, r') => Some ((b + (n << 8))%uint63, r') | None => None end
  | S _, [] => None
  end.

(* A finite number from its parts: bits of the mantissa, the exponent of infinities, and the bias to the mantissa's last bit. *)
Definition float_of_parts (negative : bool) (mantissa exponent : int) (bits infinite bias : int) : option float :=
  if (exponent =? infinite)%uint63 then None
  else
    let m := if (exponent =? 0)%uint63 then mantissa else (mantissa + (1 << bits))%uint63 in
    let e := if (exponent =? 0)%uint63 then 1%uint63 else exponent in
    let v := ldshiftexp (of_uint63 m) (e + 2101 - bias)%uint63 in
    Some (if negative then (- v)%float else v).

Definition f64 (l : bytes) : option (float * bytes) :=
  match little_endian 6 l with
  | Some (low, b6 :: b7 :: r) =>
      match float_of_parts (128 <=? b7)%uint63 (low + ((b6 land 15) << 48))%uint63 (((b7 land 127) << 4) + (b6 >> 4))%uint63 52 2047 1075 with
      | Some v => Some (v, r)
      | None => None
      end
  | _ => None
  end.

Definition f32 (l : bytes) : option (float * bytes) :=
  match little_endian 2 l with
  | Some (low, b2 :: b3 :: r) =>
      match float_of_parts (128 <=? b3)%uint63 (low + ((b2 land 127) << 16))%uint63 (((b3 land 127) << 1) + (b2 >> 7))%uint63 23 255 150 with
      | Some v => Some (v, r)
      | None => None
      end
  | _ => None
  end.

(* The list of PROPAGATE mode 2: strictly increasing numbers of affine operators. Operator 0 is the input. *)
Fixpoint listed (k : nat) (least_ : int) (limit : int) (l : bytes) : option (list int * bytes) :=
  match k with
  | O => Some ([], l)
  | S k' =>
      match index limit l with
      | Some (o, r) =>
          if (o <? least_)%uint63 then None
          else match listed k' (o + 1)%uint63 limit r with Some (os, r') => Some (o :: os, r') | None => None end
      | None => None
      end
  end.

Fixpoint flags (n : int) (layers : list layer) (os : list int) : option (list bool) :=
  match layers with
  | [] => match os with [] => Some [] | _ => None end
  | l :: rest =>
      match os with
      | o :: os' =>
          if (o =? n)%uint63 then
            if is_affine (l_op l) then match flags (n + 1)%uint63 rest os' with Some fs => Some (true :: fs) | None => None end else None
          else match flags (n + 1)%uint63 rest os with Some fs => Some (false :: fs) | None => None end
      | [] => match flags (n + 1)%uint63 rest [] with Some fs => Some (false :: fs) | None => None end
      end
  end.

Definition nat_of (n : int) : nat := Z.to_nat (to_Z n).

Definition read_swept (E : env) (mode : int) (l : bytes) : option (list bool * bytes) :=
  if (mode =? 0)%uint63 then Some (map (fun _ => false) (e_layers E), l)
  else if (mode =? 1)%uint63 then Some (map (fun _ => true) (e_layers E), l)
  else if (mode =? 2)%uint63 then
    match varint l with
    | Some (n, r) =>
        if (int_of (length (e_layers E)) <? n)%uint63 then None
        else match listed (nat_of n) 0 (int_of (S (length (e_layers E)))) r with
             | Some (os, r') => match flags 1 (e_layers E) os with Some fs => Some (fs, r') | None => None end
             | None => None
             end
    | None => None
    end
  else None.

Definition rule_of (n : int) : option slope :=
  if (n =? 0)%uint63 then Some adaptive else if (n =? 1)%uint63 then Some zero_slope else if (n =? 2)%uint63 then Some one_slope else None.

Definition open_sources (ls : list layer) (b : bounds) : nat :=
  fold_left (fun n l => match l_op l with
    | Relu srcs | LeakyRelu _ srcs => fold_left (fun n e => if open_at b e then S n else n) srcs n
    | _ => n end) ls O.

Fixpoint slope_bytes (k : nat) (l : bytes) : option (list float * bytes) :=
  match k with
  | O => Some ([], l)
  | S k' =>
      match l with
      | j :: r =>
          if (128 <? j)%uint63 then None
          else match slope_bytes k' r with Some (vs, r') => Some ((of_uint63 j / 128)%float :: vs, r') | None => None end
      | [] => None
      end
  end.

(* The next of strictly increasing numbers below [limit], from its difference to the previous one. *)
Definition increasing (limit : int) (first : bool) (previous : int) (l : bytes) : option (int * bytes) :=
  match varint l with
  | Some (step, r) =>
      let n := (previous + step)%uint63 in
      if negb ((step <? limit) && (n <? limit))%uint63 then None
      else if (negb first && (step =? 0))%uint63 then None
      else Some (n, r)
  | None => None
  end.

(* of affine elements below [limit] *)
Fixpoint multiplier_list (E : env) (limit : int) (k : nat) (first : bool) (previous : int) (l : bytes) : option (list (int * float) * bytes) :=
  match k with
  | O => Some ([], l)
  | S k' =>
      match increasing limit first previous l with
      | Some (e, r) =>
          match f32 r with
          | Some (beta, r') =>
              if (beta =? 0)%float || negb (read (e_affine E) e) then None
              else match multiplier_list E limit k' false e r' with Some (ms, r'') => Some ((e, beta) :: ms, r'') | None => None end
          | None => None
          end
      | None => None
      end
  end.

(* Slope specification and multipliers, for a sweep through these layers, whose elements are below [limit] *)
Definition hints (E : env) (ls : list layer) (limit : int) (b : bounds) (l : bytes) : option (slopes * list (int * float) * bytes) :=
  match l with
  | spec :: r =>
      if negb (spec land 124 =? 0)%uint63 then None
      else
        let rule := (spec land 3)%uint63 in
        let with_slopes :=
          match rule_of rule with
          | Some s => Some (Rule s, r)
          | None => match slope_bytes (open_sources ls b) r with Some (vs, r') => Some (Values vs, r') | None => None end
          end in
        match with_slopes with
        | None => None
        | Some (sl, r') =>
            if (spec <? 128)%uint63 then Some (sl, [], r')
            else
              match varint r' with
              | Some (n, r'') =>
                  if (n =? 0)%uint63 || (limit <? n)%uint63 then None
                  else match multiplier_list E limit (nat_of n) true 0 r'' with Some (ms, r3) => Some (sl, ms, r3) | None => None end
              | None => None
              end
        end
  | [] => None
  end.

(* A list of constraints and factors *)
Fixpoint factor_list (c : fdisjunct) (k : nat) (l : bytes) : option (list (fconstraint * float) * bytes) :=
  match k with
  | O => Some ([], l)
  | S k' =>
      match index (int_of (length (fconstraints c))) l with
      | Some (n, r) =>
          match nth_error (fconstraints c) (nat_of n), f64 r with
          | Some f, Some (mu, r1) =>
              if (0x1p-400 <=? mu)%float && (mu <=? 0x1p400)%float && is_finite mu then
                match factor_list c k' r1 with Some (fs, r2) => Some ((f, mu) :: fs, r2) | None => None end
              else None
          | _, _ => None
          end
      | None => None
      end
  end.

(* Selector: one constraint, or for their number a sum of several with factors. A sum has
   at most 10^6 terms. *)
Definition selected (E : env) (b : bounds) (c : fdisjunct) (l : bytes) : option (float * PArray.array float * bytes) :=
  match varint l with
  | None => None
  | Some (n, r) =>
      if (n <? int_of (length (fconstraints c)))%uint63 then
        match nth_error (fconstraints c) (nat_of n) with
        | Some f => Some (constraint_form (e_sem E) (e_outputs E) (read (bx b)) f (zeros E), r)
        | None => None
        end
      else if (n =? int_of (length (fconstraints c)))%uint63 then
        match varint r with
        | None => None
        | Some (k, r1) =>
            if (k =? 0)%uint63 || (int_of (length r1) <? k)%uint63 then None
            else
              match factor_list c (nat_of k) r1 with
              | None => None
              | Some (fs, r2) =>
                  if (Z.of_nat (length (scaled_terms (e_outputs E) fs)) <=? 1000000)%Z
                  then Some (combination_form (e_sem E) (e_outputs E) (read (bx b)) fs (zeros E), r2)
                  else None
              end
        end
      else None
  end.

(* Refreshed bounds, the form's sweep, and the rest. *)
Definition form_sweep (E : env) (b : bounds) (c : fdisjunct) (l : bytes)
    : option (bounds * option (float * PArray.array float * float) * bytes) :=
  match refresh E b with
  | None => None
  | Some b1 =>
      match selected E b1 c l with
      | None => None
      | Some (form, r) =>
          match hints E (e_layers E) (e_total E) b1 r with
          | None => None
          | Some (sl, ms, r') => Some (b1, run_form E b1 sl ms form, r')
          end
      end
  end.

(* ---- TIGHTEN *)

(* Bounds of rows of the last of these layers, which begins at [first] and ends before [limit]: target 2 i is the lower
   bound of row i, 2 i + 1 the upper one. *)
Fixpoint tight_list (E : env) (b : bounds) (ls : list layer) (first limit targets : int) (k : nat) (start : bool) (previous : int) (l : bytes)
    : option (list (int * (float * float)) * bytes) :=
  match k with
  | O => Some ([], l)
  | S k' =>
      match increasing targets start previous l with
      | Some (t, r) =>
          let e := (first + (t >> 1))%uint63 in
          if negb (e <? limit)%uint63 then None
          else
            match hints E ls limit b r with
            | Some (sl, ms, r') =>
                let upper := (t land 1 =? 1)%uint63 in
                let bound := array_row E b (sops_of E b ls sl) ms e (if upper then -1 else 1) in
                match tight_list E b ls first limit targets k' false t r' with
                | Some (found, r'') => Some ((e, if upper then (nan, (- bound)%float) else (bound, nan)) :: found, r'')
                | None => None
                end
            | None => None
            end
      | None => None
      end
  end.

Definition tighten (E : env) (b : bounds) (l : bytes) : option (bounds * bytes) :=
  match index (int_of (S (length (e_layers E)))) l with
  | Some (p, r) =>
      if (p =? 0)%uint63 then None
      else
        match nth_error (e_layers E) (nat_of p - 1), varint r with
        | Some lay, Some (n, r1) =>
            let rows := int_of (count (l_op lay)) in
            if negb (is_affine (l_op lay)) || (n =? 0)%uint63 || (int_of (length r1) <? n)%uint63 then None
            else
              match refresh E b with
              | Some b1 =>
                  match tight_list E b1 (firstn (nat_of p) (e_layers E)) (l_first lay) (l_first lay + rows) (rows + rows) (nat_of n) true 0 r1 with
                  | Some (found, r2) => Some (meet_all b1 found, r2)
                  | None => None
                  end
              | None => None
              end
        | _, _ => None
        end
  | None => None
  end.

(* ---- The tree *)

Definition split_value (E : env) (b : bounds) (e : int) (l : bytes) : option (float * bytes) :=
  match l with
  | k :: r =>
      if (k =? 0)%uint63 then
        Some (if (e <? int_of (e_ins E))%uint63
              then (read (blo b) e + (read (bhi b) e - read (blo b) e) * 0.5)%float else 0%float, r)
      else if (k =? 1)%uint63 then f64 r
      else None
  | [] => None
  end.

Definition most_depth : int := 100000.

(* A subtree that is left out: the context that it has to close, and the disjunct that
   is active if it is a single one. Instruction 8, which certificates do not have, stands
   where it was. *)
Definition piece := (bounds * option nat)%type.

Section Tree.
  Variable E : env.

  (* Checks a node and those below it. Answers with the bytes that follow and the pieces that were left out. *)
  Fixpoint check (fuel : nat) (first : bool) (depth : int) (b : bounds) (active_ : option nat) (l : bytes) {struct fuel}
      : option (bytes * list piece) :=
    match fuel with
    | O => None
    | S fuel' =>
        let two e v r :=
          if (most_depth <=? depth)%uint63 then None
          else match check fuel' false (depth + 1)%uint63 (meet b e nan v) active_ r with
               | Some (r', ps) =>
                   match check fuel' false (depth + 1)%uint63 (meet b e v nan) active_ r' with
                   | Some (r'', qs) => Some (r'', ps ++ qs)
                   | None => None
                   end
               | None => None
               end in
        match l with
        | [] => None
        | code :: r =>
            if first && negb (code =? 1)%uint63 then None
            else if (code =? 1)%uint63 then
              match r with
              | mode :: rule :: r1 =>
                  match rule_of rule, read_swept E mode r1 with
                  | Some s, Some (swept, r2) =>
                      match propagate E first s swept b with
                      | Some b' => check fuel' false depth b' active_ r2
                      | None => None
                      end
                  | _, _ => None
                  end
              | _ => None
              end
            else if (code =? 2)%uint63 then
              match active_ with
              | Some k =>
                  match nth_error (e_disjuncts E) k with
                  | Some c =>
                      match form_sweep E b c r with
                      | Some (b1, Some (_, A, lb), r') => check fuel' false depth (clip E b1 A lb) active_ r'
                      | Some (b1, None, r') => check fuel' false depth b1 active_ r'
                      | None => None
                      end
                  | None => None
                  end
              | None => None
              end
            else if (code =? 3)%uint63 then
              if (most_depth <=? depth)%uint63 then None
              else
                (fix children (ks : list nat) (r : bytes) : option (bytes * list piece) :=
                   match ks with
                   | [] => Some (r, [])
                   | k :: rest =>
                       match nth_error (e_disjuncts E) k with
                       | Some c =>
                           match check fuel' false (depth + 1)%uint63 (meet_box E b c) (Some k) r with
                           | Some (r', ps) => match children rest r' with Some (r'', qs) => Some (r'', ps ++ qs) | None => None end
                           | None => None
                           end
                       | None => None
                       end
                   end) (match active_ with Some k => [k] | None => seq 0 (length (e_disjuncts E)) end) r
            else if (code =? 4)%uint63 then
              match index (int_of (e_ins E)) r with
              | Some (j, r1) => match split_value E b j r1 with Some (v, r2) => two j v r2 | None => None end
              | None => None
              end
            else if (code =? 5)%uint63 then
              match index (e_total E) r with
              | Some (e, r1) =>
                  if read (e_affine E) e then match split_value E b e r1 with Some (v, r2) => two e v r2 | None => None end else None
              | None => None
              end
            else if (code =? 6)%uint63 then
              match active_ with
              | Some k =>
                  match nth_error (e_disjuncts E) k with
                  | Some c =>
                      match form_sweep E b c r with
                      | Some (_, Some (_, _, lb), r') => if (0 <? lb)%float then Some (r', []) else None
                      | _ => None
                      end
                  | None => None
                  end
              | None => None
              end
            else if (code =? 7)%uint63 then
              if existsb (fun e => (read (bhi b) e <? read (blo b) e)%float)
                   (e_inputs E ++ flat_map (fun l => if is_affine (l_op l) then l_elements l else []) (e_layers E))
              then Some (r, []) else None
            else if (code =? 8)%uint63 then Some (r, [(b, active_)])
            else if (code =? 9)%uint63 then
              match tighten E b r with Some (b', r') => check fuel' false depth b' active_ r' | None => None end
            else None
        end
    end.
End Tree.

(* The pieces that a tree leaves out; a whole tree has none. A property without
   disjuncts asks nothing and has the empty tree. *)
Definition pieces_of (s : semantics) (p : program) (disjuncts : list fdisjunct) (tree : bytes) : option (list piece) :=
  let E := make_env s p disjuncts in
  if env_ok E then
    match disjuncts with
    | [] => match tree with [] => Some [] | _ => None end
    | c :: m =>
        match check E (S (length tree)) true 1 (initial E) (match m with [] => Some O | _ => None end) tree with
        | Some ([], pieces) => Some pieces
        | _ => None
        end
    end
  else None.

Definition check_certificate (s : semantics) (p : program) (disjuncts : list fdisjunct) (tree : bytes) : bool :=
  match pieces_of s p disjuncts tree with Some [] => true | _ => false end.

(* Whether the trees close the first pieces, one each. *)
Fixpoint close_pieces (E : env) (pieces : list piece) (trees : list bytes) : bool :=
  match trees, pieces with
  | [], _ => true
  | t :: trees, (b, active_) :: pieces =>
      match check E (S (length t)) false 1 b active_ t with Some ([], []) => close_pieces E pieces trees | _ => false end
  | _, _ => false
  end.

(* Whether they close the pieces of a tree from piece i on. *)
Definition check_pieces (s : semantics) (p : program) (disjuncts : list fdisjunct) (tree : bytes) (i : nat) (trees : list bytes) : bool :=
  match pieces_of s p disjuncts tree with
  | Some pieces => close_pieces (make_env s p disjuncts) (skipn i pieces) trees
  | None => false
  end.

Definition has_pieces (s : semantics) (p : program) (disjuncts : list fdisjunct) (tree : bytes) (n : nat) : bool :=
  match pieces_of s p disjuncts tree with Some pieces => (length pieces =? n)%nat | None => false end.
