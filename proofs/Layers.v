(* Operators as the checker walks them: with their element numbers, what they read,
   and per context their bounds (spec/certificate.md sections 4 to 6) and the rows of
   a sweep. The main results: bounds of a context stay bounds (store_derived_sound,
   interval_sound), and the rows built from them are sound (layer_sop_sound).

   Relies on AffineRows, Lines, SoftmaxRows, Sweep. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows Lines SoftmaxRows Sigmoid Store Sweep QuickSweep Backward.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

(* ---- Lists of consecutive elements *)

Fixpoint ints_from (e : int) (k : nat) : list int :=
  match k with O => [] | S k => e :: ints_from (e + 1)%uint63 k end.

Definition room_for (n : nat) : Prop := (Z.of_nat n < 2 ^ 62)%Z.

Lemma idx_succ : forall e, room_for (S (idx e)) -> idx (e + 1)%uint63 = S (idx e).
Proof.
  intros e H. unfold room_for, idx in *. rewrite add_spec, to_Z_1, Z.mod_small.
  - pose proof (to_Z_bounded e). lia.
  - pose proof (to_Z_bounded e). change wB with (2 ^ 63)%Z. lia.
Qed.

Lemma ints_from_idx : forall k e, room_for (idx e + k) -> map idx (ints_from e k) = seq (idx e) k.
Proof.
  induction k as [| k IH]; intros e H; [reflexivity |]. cbn [ints_from map seq].
  assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
  rewrite IH, Hs; [reflexivity |]. rewrite Hs. unfold room_for in *. lia.
Qed.

Lemma ints_from_length : forall k e, length (ints_from e k) = k.
Proof. induction k as [| k IH]; intros e; [reflexivity |]. cbn. now rewrite IH. Qed.

Lemma ints_from_app : forall j k e, room_for (idx e + (j + k)) ->
  ints_from e (j + k) = ints_from e j ++ ints_from (e + int_of j)%uint63 k /\ idx (e + int_of j)%uint63 = (idx e + j)%nat.
Proof.
  intros j k. induction j as [| j IH]; intros e Hr.
  - assert (E : (e + int_of 0)%uint63 = e) by (apply to_Z_inj; change (int_of 0) with 0%uint63; rewrite add_spec, Z.add_0_r, Z.mod_small; [reflexivity | apply to_Z_bounded]).
    rewrite E. split; [reflexivity | lia].
  - assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
    destruct (IH (e + 1)%uint63) as (I1 & I2); [rewrite Hs; unfold room_for in *; lia |].
    assert (E : (e + 1 + int_of j)%uint63 = (e + int_of (S j))%uint63).
    { apply idx_injective. rewrite I2, Hs. unfold room_for, idx, int_of in *. pose proof (to_Z_bounded e).
      rewrite add_spec, of_Z_spec, (Z.mod_small (Z.of_nat (S j))), Z.mod_small by (change wB with (2 ^ 63)%Z; lia). lia. }
    rewrite <- E. cbn [Nat.add ints_from app]. rewrite I1. split; [reflexivity | lia].
Qed.

Lemma in_ints_from : forall k e f, room_for (idx e + k) -> (idx e <= idx f < idx e + k)%nat -> In f (ints_from e k).
Proof.
  intros k e f Hr H. assert (Hin : In (idx f) (map idx (ints_from e k))) by (rewrite ints_from_idx by exact Hr; apply in_seq; lia).
  apply in_map_iff in Hin. destruct Hin as (g & Hg & Hin). apply idx_injective in Hg. now subst.
Qed.

(* ---- Layers *)

Record layer := Layer {
  l_op : operator;
  l_first : int;
  l_elements : list int;
  l_ranges : list (int * nat);  (* first element and number of elements of each operator read *)
  l_read : list int;
  l_rows : list compiled;       (* affine *)
  l_m : nat;
  l_terms : nat;                (* N *)
  l_shape : shape
}.

Definition sources_of (o : operator) : list int :=
  match o with
  | Affine _ _ rows => flat_map (fun r => map fst (terms r)) rows
  | Relu s | LeakyRelu _ s | Sigmoid s | Tanh s => s
  | MaxPool ws => flat_map (fun w => fst w :: snd w) ws
  | Constant _ => []
  | Softmax gs => concat gs
  end.

(* Counting a range is done once, before the elements to be tested are known. *)
Definition in_range (r : int * nat) : int -> bool :=
  let last := (fst r + int_of (snd r))%uint63 in fun e => ((fst r <=? e) && (e <? last))%uint63.

Definition column_counts (total : int) (cols : list int) : PArray.array nat :=
  fold_left (fun a e => write a e (S (read a e))) cols (PArray.make total O).

Definition most_in_column (total : int) (cols read_ : list int) : nat :=
  let counts := column_counts total cols in
  fold_left (fun m e => Nat.max m (read counts e)) read_ O.

(* Each row has at most one term, that of the column at its place. *)
Fixpoint diagonal_terms (read_ : list int) (rows : list row) : bool :=
  match read_, rows with
  | [], [] => true
  | e :: read_, r :: rows =>
      match terms r with [] => true | [t] => (fst t =? e)%uint63 | _ => false end && diagonal_terms read_ rows
  | _, _ => false
  end.

Definition shape_of (o : operator) (read_ : list int) : shape :=
  match o with
  | Affine _ _ rows =>
      if forallb (fun r => same_ints (map fst (terms r)) read_) rows then Dense (map (fun r => pack_of (map snd (terms r))) rows)
      else if diagonal_terms read_ rows then Diagonal else Scattered
  | Relu srcs | LeakyRelu _ srcs => if same_ints srcs read_ then Diagonal else Scattered
  | _ => Scattered
  end.

Definition make_layer (total first : int) (ranges : list (int * nat)) (o : operator) : layer :=
  let srcs := sources_of o in
  let rs := filter (fun r => existsb (in_range r) srcs) ranges in
  let rd := flat_map (fun r => ints_from (fst r) (snd r)) rs in
  Layer o first (ints_from first (count o)) rs rd
    (match o with Affine _ _ rows => map compile_row rows | _ => [] end)
    (match o with Affine _ _ rows => Nat.max (length rows) (most_in_column total srcs rd) | _ => count o end)
    (match o with Affine _ _ _ => length srcs | _ => count o end)
    (shape_of o rd).

Fixpoint make_layers (total first : int) (ranges : list (int * nat)) (ops : list operator) : list layer :=
  match ops with
  | [] => []
  | o :: rest => make_layer total first ranges o
      :: make_layers total (first + int_of (count o)) (ranges ++ [(first, count o)]) rest
  end.

(* The elements of a softmax, group after group; none for another operator. *)
Fixpoint groups_from (e : int) (gs : list (list int)) : list (list int) :=
  match gs with [] => [] | g :: rest => ints_from e (length g) :: groups_from (e + int_of (length g)) rest end.

Definition own_groups (l : layer) : list (list int) :=
  match l_op l with Softmax gs => groups_from (l_first l) gs | _ => [] end.

Fixpoint increasing_below (prev : option int) (l : list int) (limit : int) : bool :=
  match l with
  | [] => true
  | e :: m => match prev with None => true | Some p => (p <? e)%uint63 end && (e <? limit)%uint63 && increasing_below (Some e) m limit
  end.

Definition alpha_ok (alpha : float) : bool :=
  is_finite alpha && (0 <=? alpha)%float && (alpha <=? 1)%float && ((alpha =? 0)%float || (0x1p-126 <=? alpha)%float).

Definition small_nat (n : nat) : bool := (Z.of_nat n <=? 2 ^ 30)%Z.

Definition layer_ok (l : layer) : bool :=
  increasing_below None (l_read l) (l_first l) &&
  (let tests := map in_range (l_ranges l) in forallb (fun e => existsb (fun test => test e) tests) (sources_of (l_op l))) &&
  forallb (fun r => (to_Z (fst r) + Z.of_nat (snd r) <? 2 ^ 62)%Z) (l_ranges l) &&
  (to_Z (l_first l) + Z.of_nat (count (l_op l)) <? 2 ^ 62)%Z &&
  small_nat (length (l_read l)) && small_nat (l_m l) && small_nat (l_terms l) &&
  match l_op l with
  | Affine factor rho _ => operator_ok factor rho && forallb row_ok (l_rows l)
  | Relu _ | Sigmoid _ | Tanh _ | MaxPool _ => true
  | LeakyRelu alpha _ => alpha_ok alpha
  | Constant vs => forallb is_finite vs
  | Softmax gs => negb (length gs =? 0)%nat && forallb group_ok gs
  end.

(* ---- Bounds *)

Record bounds := Bounds { blo : PArray.array float; bhi : PArray.array float; bx : PArray.array float }.

Definition set_bounds (b : bounds) (e : int) (l h : float) : bounds :=
  Bounds (write (blo b) e l) (write (bhi b) e h) (write (bx b) e (most (abs l) (abs h))).

(* A bound that is not a number, or no better, changes nothing. *)
Definition meet (b : bounds) (e : int) (l h : float) : bounds :=
  let l0 := read (blo b) e in let h0 := read (bhi b) e in
  set_bounds b e (if is_finite l && (l0 <? l)%float then l else l0) (if is_finite h && (h <? h0)%float then h else h0).

Definition finite_at (b : bounds) (e : int) : bool := is_finite (read (blo b) e) && is_finite (read (bhi b) e).

Definition derived (s : semantics) (b : bounds) (o : operator) : list (float * float) :=
  let lo := read (blo b) in let hi := read (bhi b) in let x := read (bx b) in
  match o with
  | Relu srcs => map (fun e => relu_bounds (lo e) (hi e)) srcs
  | LeakyRelu alpha srcs => map (fun e => leaky_relu_bounds alpha (lo e) (hi e) (leaky_relu_error s alpha (x e))) srcs
  | Sigmoid srcs => map (fun e => sigmoid_bounds s (lo e) (hi e)) srcs
  | Tanh srcs => map (fun e => tanh_bounds s (lo e) (hi e)) srcs
  | MaxPool ws => map (fun w => maxpool_bounds lo hi (leader lo w) (relu_error s)) ws
  | Constant vs => map (fun v => (v, v)) vs
  | Softmax gs => flat_map (fun g => map (fun _ => softmax_bounds s g) g) gs
  | Affine _ _ _ => []
  end.

Definition store (b : option bounds) (p : int * (float * float)) : option bounds :=
  match b with
  | None => None
  | Some b => let (e, lh) := p in
      if is_finite (fst lh) && is_finite (snd lh) then Some (set_bounds b e (fst lh) (snd lh)) else None
  end.

Definition store_derived (s : semantics) (b : bounds) (l : layer) : option bounds :=
  fold_left store (combine (l_elements l) (derived s b (l_op l))) (Some b).

(* ---- Rows for a sweep *)

Definition line_row (m : nat) (e x : float) (src : int) (ln : line) : srow :=
  Srow (k_lo ln) (k_hi ln) (if line_finite ln then row_q (float_of_nat m) e (line_size ln x) else nan)
    (if (s_lo ln =? 0)%float then [] else [(src, s_lo ln)]) (if (s_hi ln =? 0)%float then [] else [(src, s_hi ln)]).

(* Slopes of the lower lines: one rule, or values for the sources that are open, in order. *)
Inductive slopes := Rule (rule : slope) | Values (l : list float).

Definition open_at (b : bounds) (e : int) : bool := ((read (blo b) e <? 0) && (0 <? read (bhi b) e))%float.

Definition take_slope (b : bounds) (e : int) (sl : slopes) : slope * slopes :=
  match sl with
  | Rule r => (r, sl)
  | Values [] => (zero_slope, sl)
  | Values (v :: l) => if open_at b e then (explicit v, Values l) else (zero_slope, sl)
  end.

Fixpoint hinge_rows (f : slope -> int -> srow) (b : bounds) (srcs : list int) (sl : slopes) : list srow * slopes :=
  match srcs with
  | [] => ([], sl)
  | e :: rest => let (r, sl1) := take_slope b e sl in
      let (rows, sl2) := hinge_rows f b rest sl1 in (f r e :: rows, sl2)
  end.

Definition largest_x (b : bounds) (cols : list int) : float := fold_left (fun m e => most m (read (bx b) e)) cols 0%float.

Definition affine_row (m : nat) (s : semantics) (factor rho xm : float) (b : bounds) (c : compiled) : srow :=
  let size := row_s (read (bx b)) c in
  Srow (bias (source c)) (bias (source c)) (row_q (float_of_nat m) (row_e s factor rho xm c size) size)
    (terms (source c)) (terms (source c)).

Definition layer_rows (s : semantics) (b : bounds) (l : layer) (sl : slopes) : list srow * slopes :=
  let lo := read (blo b) in let hi := read (bhi b) in let x := read (bx b) in
  let m := l_m l in
  match l_op l with
  | Affine factor rho _ => (map (affine_row m s factor rho (largest_x b (l_read l)) b) (l_rows l), sl)
  | Relu srcs => hinge_rows (fun r e => line_row m (relu_error s) (x e) e (relu_line r (lo e) (hi e))) b srcs sl
  | LeakyRelu alpha srcs =>
      hinge_rows (fun r e => line_row m (leaky_relu_error s alpha (x e)) (x e) e (leaky_relu_line r alpha (lo e) (hi e))) b srcs sl
  | Sigmoid srcs => (map (fun e => line_row m (curve_error s) (x e) e (sigmoid_line (lo e) (hi e))) srcs, sl)
  | Tanh srcs => (map (fun e => line_row m (curve_error s) (x e) e (tanh_line (lo e) (hi e))) srcs, sl)
  | MaxPool ws => (map (fun w => let p := leader lo w in line_row m (relu_error s) (x (fst p)) (fst p) (maxpool_line lo hi p)) ws, sl)
  | Constant vs => (map (fun v => line_row m 0 0 0%uint63 (Line 0 0 v v)) vs, sl)
  | Softmax gs => (map (fun g => line_row m (softmax_error s g) 0 0%uint63 (Line 0 0 1 1)) gs, sl)
  end.

Definition layer_sop (s : semantics) (b : bounds) (l : layer) (sl : slopes) : sop * slopes :=
  let (rows, sl') := layer_rows s b l sl in
  (Sop (l_first l) (combine (l_elements l) rows) (l_m l)
     (tau * (1 + float_of_nat (l_terms l) * largest_x b (l_read l)))%float (l_read l) (l_shape l) (own_groups l), sl').

(* ---- Facts of a layer *)

Lemma increasing_facts : forall l prev limit, increasing_below prev l limit = true ->
  NoDup (map idx l) /\ (forall e, In e l -> (idx e < idx limit)%nat /\ forall p, prev = Some p -> (idx p < idx e)%nat).
Proof.
  induction l as [| e l IH]; intros prev limit H; [split; [constructor | easy] |].
  cbn in H. apply andb_prop in H. destruct H as (H & Hl). apply andb_prop in H. destruct H as (Hp & He).
  destruct (IH _ _ Hl) as (Hn & Hi).
  assert (Hlt : forall a b, (a <? b)%uint63 = true -> (idx a < idx b)%nat).
  { intros a b Hab. apply ltb_spec in Hab. unfold idx. pose proof (to_Z_bounded a). pose proof (to_Z_bounded b). lia. }
  split.
  - cbn. constructor; [| exact Hn]. intros Hin. apply in_map_iff in Hin. destruct Hin as (f & Hf & Hin).
    destruct (Hi f Hin) as (_ & G). specialize (G e eq_refl). lia.
  - intros f [<- | Hf].
    + split; [now apply Hlt |]. intros p ->. now apply Hlt.
    + destruct (Hi f Hf) as (A & B). split; [exact A |]. intros p ->. specialize (B e eq_refl). apply Hlt in Hp. lia.
Qed.

Lemma in_range_idx : forall e r, (to_Z (fst r) + Z.of_nat (snd r) < 2 ^ 62)%Z -> in_range r e = true ->
  In e (ints_from (fst r) (snd r)).
Proof.
  intros e r Hr H. unfold in_range in H. apply andb_prop in H. destruct H as (H1 & H2).
  apply leb_spec in H1. apply ltb_spec in H2. pose proof (to_Z_bounded (fst r)). pose proof (to_Z_bounded e).
  assert (Hi : to_Z (int_of (snd r)) = Z.of_nat (snd r)).
  { unfold int_of. rewrite of_Z_spec. apply Z.mod_small. change wB with (2 ^ 63)%Z. lia. }
  rewrite add_spec, Hi, Z.mod_small in H2 by (change wB with (2 ^ 63)%Z; lia).
  apply in_ints_from; unfold room_for, idx; lia.
Qed.

Lemma each_combine : forall (A : Type) (y : execution) (P : A -> R -> Prop) l e,
  room_for (idx e + length l) -> each y P l (idx e) ->
  forall f a, In (f, a) (combine (ints_from e (length l)) l) -> P a (y (idx f)).
Proof.
  induction l as [| a0 l IH]; intros e Hr H f a Hin; [easy |].
  cbn [length ints_from combine] in Hin. destruct H as (H0 & H). destruct Hin as [Heq | Hin].
  - injection Heq as <- <-. exact H0.
  - cbn [length] in Hr. assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
    eapply (IH (e + 1)%uint63); eauto; [unfold room_for in *; lia | now rewrite Hs].
Qed.

(* The same for a list that was mapped over. *)
Lemma each_combine_map : forall (A B : Type) (y : execution) (P : A -> R -> Prop) (g : A -> B) l e,
  room_for (idx e + length l) -> each y P l (idx e) ->
  forall f b, In (f, b) (combine (ints_from e (length l)) (map g l)) -> exists a, In a l /\ b = g a /\ P a (y (idx f)).
Proof.
  induction l as [| a0 l IH]; intros e Hr H f b Hin; [easy |].
  cbn [length ints_from map combine] in Hin. destruct H as (H0 & H). destruct Hin as [Heq | Hin].
  - injection Heq as <- <-. exists a0. split; [now left | auto].
  - cbn [length] in Hr. assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
    destruct (IH (e + 1)%uint63) with (f := f) (b := b) as (a & Ha & He & HP); auto.
    + unfold room_for in *; lia.
    + now rewrite Hs.
    + exists a. split; [now right | auto].
Qed.

(* A group, its elements from k on, and what stands beside each of them. *)
Lemma each_group_combine : forall (B : Type) (y : execution) (P : list int -> list R -> Prop) (h : list int -> B) gs e,
  room_for (idx e + length (concat gs)) -> each_group y P gs (idx e) ->
  forall f b, In (f, b) (combine (ints_from e (length (concat gs))) (flat_map (fun g => map (fun _ => h g) g) gs)) ->
  exists g k, In g gs /\ b = h g /\ P g (map y (seq k (length g))) /\ (k <= idx f < k + length g)%nat.
Proof.
  intros B y P h.
  induction gs as [| g gs IH]; intros e Hr H f b Hin; [easy |].
  cbn [concat flat_map] in Hin, Hr. rewrite app_length in Hin, Hr. destruct H as (H0 & H).
  destruct (ints_from_app (length g) (length (concat gs)) e Hr) as (A1 & A2). rewrite A1 in Hin.
  assert (Split : forall (l1 l2 : list int) (m1 m2 : list B), length l1 = length m1 -> combine (l1 ++ l2) (m1 ++ m2) = combine l1 m1 ++ combine l2 m2).
  { induction l1 as [| a l1 IHl]; intros l2 [| c m1] m2 Hl; try discriminate; [reflexivity |]. cbn. rewrite IHl; [reflexivity | now injection Hl]. }
  rewrite Split in Hin by now rewrite ints_from_length, map_length. apply in_app_iff in Hin. destruct Hin as [Hin | Hin].
  - exists g, (idx e). split; [now left |]. pose proof (in_combine_l _ _ _ _ Hin) as Hl. apply in_combine_r in Hin.
    apply in_map_iff in Hin. destruct Hin as (_ & <- & _). split; [reflexivity |]. split; [exact H0 |].
    apply (in_map idx) in Hl. rewrite ints_from_idx in Hl by (unfold room_for in *; lia). apply in_seq in Hl. lia.
  - destruct (IH (e + int_of (length g))%uint63) with (f := f) (b := b) as (g' & k & Hg & Hb & HP & Hk); auto.
    + rewrite A2. unfold room_for in *. lia.
    + now rewrite A2.
    + exists g', k. split; [now right | auto].
Qed.

Section Layer.
  Variables (s : semantics) (y : execution) (l : layer).
  Hypothesis ok : layer_ok l = true.
  Hypothesis shape : exists total ranges, l = make_layer total (l_first l) ranges (l_op l).
  Hypothesis holds : operator_holds y s (l_op l) (idx (l_first l)).
  Let n := idx (l_first l).

  Lemma layer_facts :
    NoDup (map idx (l_read l)) /\ (forall e, In e (l_read l) -> (idx e < n)%nat) /\
    (forall e, In e (sources_of (l_op l)) -> In e (l_read l)) /\ room_for (n + count (l_op l)) /\
    INR (length (l_read l)) <= 1073741824 /\ (Z.of_nat (l_m l) <= 2 ^ 30)%Z /\ (Z.of_nat (l_terms l) <= 2 ^ 30)%Z.
  Proof.
    pose proof ok as H. unfold layer_ok in H.
    repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
    destruct (increasing_facts _ _ _ H) as (Hn & Hi).
    unfold small_nat in *. repeat match goal with H : (_ <=? _)%Z = true |- _ => apply Z.leb_le in H | H : (_ <? _)%Z = true |- _ => apply Z.ltb_lt in H end.
    split; [exact Hn |]. split; [intros e He; exact (proj1 (Hi e He)) |]. split.
    - intros e He. rewrite forallb_forall in H6. specialize (H6 e He). apply existsb_exists in H6. destruct H6 as (test & Ht & Hin). apply in_map_iff in Ht. destruct Ht as (r & <- & Hr).
      rewrite forallb_forall in H5. specialize (H5 r Hr). apply Z.ltb_lt in H5.
      destruct shape as (total & ranges & E). rewrite E in Hr |- *. cbn [l_read l_ranges make_layer] in *.
      apply in_flat_map. exists r. split; [exact Hr |]. now apply in_range_idx.
    - split.
      + unfold room_for, n, idx. pose proof (to_Z_bounded (l_first l)). lia.
      + split; [| split; assumption]. apply length_bound. assumption.
  Qed.
End Layer.
