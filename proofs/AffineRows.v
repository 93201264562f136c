(* Rows of an affine operator (spec/certificate.md section 5): the figures that the
   checker computes bound what an execution may do, its own rounding included.

   Relies on Rounding; the relation of a row is Semantics.row_holds. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Definition eta64 : float := 0x1p-126.
Definition single_u : float := 0x1p-24.

(* What does not depend on the context is computed once. *)
Record compiled := Compiled {
  source : row;
  nt : float;        (* number of terms *)
  w1 : float;
  gam : float
}.

Definition ku (r : row) : float := (gamma_count r * single_u)%float.
Definition inflation (n : float) : float := (1 + (n + 4) * U)%float.

Definition compile_row (r : row) : compiled :=
  let n := float_of_nat (length (terms r)) in
  Compiled r n (fsum (fun t => abs (snd t)) (terms r) 0 * inflation n)%float
    ((ku r / (1 - ku r)) * (1 + 0x1p-50))%float.

(* x gives the greatest size of an element, xm the greatest of all that are read. *)
Definition row_s (x : int -> float) (c : compiled) : float :=
  (fsum (fun t => abs (snd t) * x (fst t)) (terms (source c)) (magnitude (source c)) * inflation (nt c))%float.

Definition row_e (s : semantics) (factor rho xm : float) (c : compiled) (size : float) : float :=
  match s with
  | real => (rho * size)%float
  | float32 => ((gam c + rho) * size + ((2 * eta64) * factor) * ((underflow_count (source c) + w1 c) + nt c * xm))%float
  end.

Definition row_slack (c : compiled) (e size : float) : float := (e + ((nt c + 4) * U) * size)%float.
Definition row_q (m e size : float) : float := ((e + ((m + 4) * U) * size) + tau)%float.

Definition row_low (lo hi : int -> float) (r : row) : float :=
  fsum (fun t => snd t * (if (0 <? snd t) then lo (fst t) else hi (fst t)))%float (terms r) (bias r).
Definition row_high (lo hi : int -> float) (r : row) : float :=
  fsum (fun t => snd t * (if (0 <? snd t) then hi (fst t) else lo (fst t)))%float (terms r) (bias r).

Definition premise_ok (factor : float) (c : compiled) (size : float) : bool :=
  let v := (((1 + gam c) * factor) * size + 1)%float in is_finite v && (v <? 0x1p127)%float.

(* What the lowering guarantees about a row; checked once per program. *)
Definition row_ok (c : compiled) : bool :=
  let r := source c in
  forallb (fun t => is_finite (snd t)) (terms r) &&
  (Z.of_nat (length (terms r)) <=? 2 ^ 30)%Z &&
  (length (constants r) <=? 4)%nat &&
  is_finite (bias r) && is_finite (magnitude r) &&
  (bias r =? fsum (fun a => a) (constants r) 0)%float &&
  is_finite (fsum (fun a => a) (constants r) 0) &&
  is_finite (fsum (fun a => abs a) (constants r) 0) &&
  (fsum (fun a => abs a) (constants r) 0 <=? magnitude r)%float &&
  (abs (bias r) <=? magnitude r)%float &&
  is_finite (gamma_count r) && (1 <=? gamma_count r)%float && (gamma_count r <=? 0x1p23)%float &&
  is_finite (underflow_count r) && (1 <=? underflow_count r)%float &&
  is_finite (1 - ku r) && is_finite (gam c) && is_finite (w1 c).

(* F is 1 for a plain sum, 4 for batch normalisation; of the factors of a scaled Gemm only
   powers of two are covered, with which products are exact. *)
Definition factors : list float := [1; 2; 4; 8; 16; 32; 64; 128; 256; 512; 1024]%float.

Definition operator_ok (factor rho : float) : bool :=
  existsb (fun q => (factor =? q)%float) factors && is_finite factor && is_finite rho && (0 <=? rho)%float && (rho <=? 1)%float.

(* ---- Numbers *)

Lemma units_V : forall n k : nat, (Z.of_nat (n + k) <= 2 ^ 50)%Z -> (1 <= n + k)%nat ->
  forall f, fin ((float_of_nat n + f) * U)%float -> V f = INR k ->
  V ((float_of_nat n + f) * U)%float = (INR n + INR k) * (2 * d).
Proof.
  intros n k Hn H1 f H Hf. destruct (mul_fin _ _ H) as (Fa & _ & ->). destruct (add_fin _ _ Fa) as (_ & _ & ->).
  destruct (float_of_nat_V n) as (_ & ->); [lia |]. rewrite Hf, <- plus_INR, rnd_INR by lia.
  rewrite V_U. replace (2 * d) with (p2 (-52)) by (unfold d; simpl; lra).
  apply rnd_scale; [| | lia].
  - destruct (float_of_nat_V (n + k)) as (_ & <-); [lia |]. apply format_V.
  - rewrite Rabs_pos_eq by apply pos_INR. apply Rle_trans with 1; [| apply (le_INR 1); lia].
    change 1 with (p2 0). apply bpow_le. lia.
Qed.

Lemma V_4 : V 4 = INR 4. Proof. literal_V 4%float. simpl. lra. Qed.

Lemma units4_V : forall n : nat, (Z.of_nat n <= 2 ^ 40)%Z -> fin ((float_of_nat n + 4) * U)%float ->
  V ((float_of_nat n + 4) * U)%float = (2 * INR n + 8) * d.
Proof.
  intros n Hn H. rewrite (units_V n 4) by (try lia; auto using V_4). simpl. ring.
Qed.

Lemma inflation_V : forall n : nat, (Z.of_nat n <= 2 ^ 30)%Z -> fin (inflation (float_of_nat n)) ->
  1 + (2 * INR n + 7 - / 100) * d <= V (inflation (float_of_nat n)) <= 1 + / 1000.
Proof.
  intros n Hn H. unfold inflation in *. pose proof (pos_INR n).
  assert (Fu : fin ((float_of_nat n + 4) * U)%float) by apply (add_fin _ _ H).
  assert (Hu : V ((float_of_nat n + 4) * U)%float = (2 * INR n + 8) * d) by (apply units4_V; auto; lia).
  assert (INR n <= 1073741824).
  { rewrite INR_IZR_INZ. apply (IZR_le _ (2 ^ 30)). exact Hn. }
  destruct (add_pos _ _ H) as (_ & _ & E); [rewrite V_1; lra | rewrite Hu; numeric |].
  rewrite V_1, Hu in E. numeric.
Qed.

Lemma length_bound : forall n : nat, (Z.of_nat n <= 2 ^ 30)%Z -> INR n <= 1073741824.
Proof. intros n Hn. rewrite INR_IZR_INZ. apply (IZR_le _ (2 ^ 30)). exact Hn. Qed.

(* A sum of non-negative numbers, inflated, exceeds the exact sum. *)
Lemma inflated_sum : forall A (f : A -> float) (r : A -> R) l s,
  (Z.of_nat (length l) <= 2 ^ 30)%Z -> 0 <= V s -> (forall a, In a l -> 0 <= r a) ->
  (forall a, In a l -> fin (f a) -> Rabs (V (f a) - r a) <= d * Rabs (r a) + w) ->
  (forall a, In a l -> fin (f a) -> 0 <= V (f a)) ->
  fin (fsum f l s * inflation (float_of_nat (length l)))%float ->
  (1 + 3 * d) * (V s + sum r l) - 5 * (INR (length l) + 1) * w
  <= V (fsum f l s * inflation (float_of_nat (length l)))%float.
Proof.
  intros A f r l s Hl Hs Hr He Hf H. destruct (mul_fin _ _ H) as (Fs & Fi & _).
  pose proof (length_bound _ Hl) as HN. pose proof (pos_INR (length l)). pose proof w_positive as Hw.
  destruct (inflation_V _ Hl Fi) as (I1 & I2).
  destruct (fsum_pos A f r l s ltac:(lra) Hs Hr He Fs) as (P1 & _).
  assert (P0 : 0 <= V (fsum f l s)) by (apply fsum_sign; auto).
  destruct (mul_pos _ _ H) as (_ & _ & (M & _)); [exact P0 | numeric |].
  set (N := INR (length l)) in *. set (p := V (fsum f l s)) in *. set (i := V (inflation (float_of_nat (length l)))) in *.
  assert (HT : 0 <= V s + sum r l) by (apply Rplus_le_le_0_compat; [exact Hs | now apply sum_nonnegative]).
  set (T := V s + sum r l) in *.
  assert (Hi : 0 < 1 + (2 * N + 7 - / 100) * d) by numeric.
  assert (H1 : p * (1 + (2 * N + 7 - / 100) * d) <= p * i) by (apply Rmult_le_compat_l; lra).
  assert (H2 : ((1 - (N + 1) * d * (4001 / 4000)) * T - 4 * N * w) * (1 + (2 * N + 7 - / 100) * d) <= p * (1 + (2 * N + 7 - / 100) * d)).
  { apply Rmult_le_compat_r; lra. }
  assert (H3 : 4 * N * w * (1 + (2 * N + 7 - / 100) * d) <= 4 * N * w * (1 + / 1000)).
  { apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | numeric]. }
  assert (Hc : (1 + 3 * d) / (1 - d) <= (1 - (N + 1) * d * (4001 / 4000)) * (1 + (2 * N + 7 - / 100) * d)).
  { apply Rle_trans with (1 + (4 + / 100) * d); [unfold d; lra |]. unfold d. nra. }
  assert (H4 : (1 + 3 * d) / (1 - d) * T <= (1 - (N + 1) * d * (4001 / 4000)) * (1 + (2 * N + 7 - / 100) * d) * T).
  { apply Rmult_le_compat_r; assumption. }
  assert (H5 : (1 + 3 * d) / (1 - d) * T - 4 * N * w * (1 + / 1000) <= p * i) by lra.
  assert (H6 : (1 - d) * ((1 + 3 * d) / (1 - d) * T - 4 * N * w * (1 + / 1000)) <= (1 - d) * (p * i)).
  { apply Rmult_le_compat_l; [numeric | exact H5]. }
  assert (H7 : (1 - d) * ((1 + 3 * d) / (1 - d) * T) = (1 + 3 * d) * T) by (field; numeric).
  assert (0 <= N * w) by (apply Rmult_le_pos; lra).
  assert (0 <= d * (N * w)) by (apply Rmult_le_pos; numeric).
  lra.
Qed.

(* ---- A row *)

Section Row.
  Variable r : row.
  Let c := compile_row r.
  Hypothesis ok : row_ok c = true.

  Lemma row_facts :
    (forall t, In t (terms r) -> fin (snd t)) /\ (Z.of_nat (length (terms r)) <= 2 ^ 30)%Z /\
    fin (bias r) /\ fin (magnitude r) /\ Rabs (V (bias r)) <= V (magnitude r) /\
    1 <= V (gamma_count r) <= 8388608 /\ 1 <= V (underflow_count r) /\ fin (1 - ku r)%float /\ fin (gam c) /\ fin (w1 c) /\
    Rabs (V (bias r) - sum V (constants r)) <= (51 / 10) * d * V (magnitude r) + 20 * w.
  Proof.
    pose proof ok as H. unfold row_ok in H. change (source c) with r in H.
    repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
    rewrite forallb_forall in H.
    repeat match goal with H : is_finite _ = true |- _ => apply finite_is_finite in H end.
    assert (F23 : fin 0x1p23) by literal_fin. assert (V23 : V 0x1p23 = 8388608) by (literal_V 0x1p23%float; simpl; lra).
    repeat match goal with
    | H : (?x <=? ?y)%float = true |- _ => apply leb_V in H; [| (assumption || now apply abs_fin || apply fin_1) ..]
    | H : (?x =? ?y)%float = true |- _ => apply eqb_V in H; [| assumption ..]
    | H : (_ <=? _)%Z = true |- _ => apply Z.leb_le in H
    | H : (_ <=? _)%nat = true |- _ => apply Nat.leb_le in H
    end.
    rewrite ?V_1, ?V23, ?abs_V in *.
    repeat split; auto.
    - intros t Ht. apply finite_is_finite. now apply H.
    - set (l := constants r) in *.
      assert (Hl : INR (length l) <= 4) by (replace 4 with (INR 4) by (simpl; lra); apply le_INR; assumption).
      pose proof (pos_INR (length l)). pose proof w_positive as Hw.
      assert (Fs : fin (fsum (fun a : float => a) l 0)) by assumption.
      assert (Fa : fin (fsum (fun a : float => abs a) l 0)) by assumption.
      destruct (fsum_error _ (fun a : float => a) V l 0%float ltac:(lra)) as (_ & _ & E); [| exact Fs |].
      { intros. replace (V a - V a) with 0 by ring. rewrite Rabs_R0. pose proof (Rabs_pos (V a)). numeric. }
      destruct (fsum_pos _ (fun a : float => abs a) (fun a => Rabs (V a)) l 0%float ltac:(lra)) as (P & _); [| | | exact Fa |].
      { rewrite V_0; lra. } { intros; apply Rabs_pos. }
      { intros. rewrite abs_V. replace (Rabs (V a) - Rabs (V a)) with 0 by ring. rewrite Rabs_R0.
        pose proof (Rabs_pos (Rabs (V a))). numeric. }
      rewrite V_0, Rabs_R0 in E. rewrite V_0 in P.
      replace (V (bias r)) with (V (fsum (fun a : float => a) l 0)) by (symmetry; assumption).
      replace (V (fsum (fun a : float => a) l 0) - sum V l) with (V (fsum (fun a : float => a) l 0) - (0 + sum V l)) by ring.
      eapply Rle_trans; [exact E |].
      assert (HT : 0 <= sum (fun a => Rabs (V a)) l) by (apply sum_nonnegative; intros; apply Rabs_pos).
      set (T := sum (fun a => Rabs (V a)) l) in *. set (N := INR (length l)) in *.
      assert (HP : (1 - 5 * d * (4001 / 4000)) * T - 16 * w <= V (magnitude r)).
      { apply Rle_trans with (V (fsum (fun a : float => abs a) l 0)); [| assumption].
        eapply Rle_trans; [| exact P]. assert (N * w <= 4 * w) by (apply Rmult_le_compat_r; lra).
        assert ((N + 1) * d * (4001 / 4000) * T <= 5 * d * (4001 / 4000) * T).
        { apply Rmult_le_compat_r; [exact HT | numeric]. } lra. }
      assert ((N + 1) * d * (4001 / 4000) * T <= 5 * d * (4001 / 4000) * T).
      { apply Rmult_le_compat_r; [exact HT | numeric]. }
      assert (N * w <= 4 * w) by (apply Rmult_le_compat_r; lra).
      numeric.
  Qed.

  Lemma V_single_u : V single_u = u32.
  Proof. unfold single_u. literal_V 0x1p-24%float. rewrite u32_value. simpl. lra. Qed.

  Lemma gamma_bounds : 0 <= gamma (V (gamma_count r)) <= V (gam c) /\ gamma (V (gamma_count r)) <= 1.
  Proof.
    destruct row_facts as (_ & _ & _ & _ & _ & Hk & _ & Fd & Fg & _).
    set (k := V (gamma_count r)) in *. pose proof w_positive.
    assert (Hw : w <= d * d * u32).
    { pose proof tau_w. pose proof tau_tiny. rewrite u32_value. numeric. }
    destruct (sub_V _ _ Fd) as (_ & Fk & Ed & _). rewrite V_1 in Ed.
    destruct (mul_pos _ _ Fk) as (_ & _ & Ek); [fold k; lra | rewrite V_single_u, u32_value; lra |].
    rewrite V_single_u in Ek. fold k in Ek. fold (ku r) in Ek.
    set (a := V (ku r)) in *. set (b := V (1 - ku r)%float) in *.
    assert (Hx : u32 <= k * u32 <= / 2) by (rewrite u32_value; lra).
    assert (Hu0 : 0 < u32) by apply bpow_gt_0.
    set (x := k * u32) in *.
    assert (Ha : 0 <= a <= 51 / 100) by numeric.
    rewrite (Rabs_pos_eq (1 - a)) in Ed by lra.
    assert (Hb : 0 < b) by (unabs; numeric).
    unfold c, compile_row in Fg |- *. cbn [gam] in Fg |- *.
    destruct (mul_fin _ _ Fg) as (Fq & _ & _).
    destruct (div_fin _ _ Fq Fd) as (_ & _ & Vq). fold a b in Vq.
    assert (Hq0 : 0 <= a / b) by (apply Rmult_le_pos; [lra | left; now apply Rinv_0_lt_compat]).
    assert (Eq : Rabs (V (ku r / (1 - ku r))%float - a / b) <= d * Rabs (a / b) + w) by (rewrite Vq; apply rnd_error).
    rewrite (Rabs_pos_eq (a / b)) in Eq by exact Hq0.
    assert (V1 : V (1 + 0x1p-50)%float = 1 + 8 * d) by (literal_V (1 + 0x1p-50)%float; unfold d; simpl; lra).
    assert (Hq1 : 0 <= V (ku r / (1 - ku r))%float).
    { rewrite Vq, <- rnd_0. now apply rnd_le. }
    destruct (mul_pos _ _ Fg) as (_ & _ & (Eg & _)); [exact Hq1 | rewrite V1; numeric |]. rewrite V1 in Eg.
    unfold gamma. fold x.
    assert (Hg : x / (1 - x) * (1 - (41 / 10) * d) <= a / b).
    { apply Rmult_le_reg_r with (b * (1 - x)); [apply Rmult_lt_0_compat; lra |].
      replace (x / (1 - x) * (1 - (41 / 10) * d) * (b * (1 - x))) with (x * (1 - (41 / 10) * d) * b) by (field; lra).
      replace (a / b * (b * (1 - x))) with (a * (1 - x)) by (field; lra).
      assert (Hax : x * (1 - d - d * d) <= a). { assert (d * d * u32 <= d * d * x) by (apply Rmult_le_compat_l; numeric). lra. }
      assert (b <= (1 - x) * (1 + (305 / 100) * d)). { unabs. numeric. }
      apply Rle_trans with (x * (1 - (41 / 10) * d) * ((1 - x) * (1 + (305 / 100) * d))).
      { apply Rmult_le_compat_l; [apply Rmult_le_pos; numeric | assumption]. }
      apply Rle_trans with (x * (1 - d - d * d) * (1 - x)).
      { replace (x * (1 - (41 / 10) * d) * ((1 - x) * (1 + (305 / 100) * d))) with (x * (1 - x) * ((1 - (41 / 10) * d) * (1 + (305 / 100) * d))) by ring.
        replace (x * (1 - d - d * d) * (1 - x)) with (x * (1 - x) * ((1 - d - d * d))) by ring.
        apply Rmult_le_compat_l; [apply Rmult_le_pos; lra | numeric]. }
      apply Rmult_le_compat_r; lra. }
    assert (Hy : x <= x / (1 - x) <= 1).
    { split; apply Rmult_le_reg_r with (1 - x); try lra; unfold Rdiv; rewrite Rmult_assoc, Rinv_l by lra; [nra | lra]. }
    split; [split; [lra |] | lra]. set (g := x / (1 - x)) in *. unabs. unfold d in *. lra.
  Qed.

  (* The greatest sizes of the elements read. *)
  Variables (x : int -> float) (xm : float) (y : execution).
  Hypothesis within : forall t, In t (terms r) -> fin (x (fst t)) /\ Rabs (at_element y (fst t)) <= V (x (fst t)).
  Hypothesis at_most : forall t, In t (terms r) -> Rabs (at_element y (fst t)) <= V xm.
  Hypothesis xm_sign : 0 <= V xm.

  Let N := INR (length (terms r)).
  (* S with the bounds in place of the values *)
  Definition bounded_size : R := V (magnitude r) + sum (fun t => Rabs (V (snd t)) * V (x (fst t))) (terms r).

  Lemma size_le_bounded : absolute_sum y (terms r) <= sum (fun t => Rabs (V (snd t)) * V (x (fst t))) (terms r).
  Proof. apply sum_le. intros t Ht. apply Rmult_le_compat_l; [apply Rabs_pos | now apply within]. Qed.

  Lemma absolute_sum_nonnegative : 0 <= absolute_sum y (terms r).
  Proof. apply sum_nonnegative. intros. apply Rmult_le_pos; apply Rabs_pos. Qed.

  Lemma bounded_terms_nonnegative : forall t, In t (terms r) -> 0 <= Rabs (V (snd t)) * V (x (fst t)).
  Proof.
    intros t Ht. apply Rmult_le_pos; [apply Rabs_pos |]. destruct (within t Ht) as (_ & H).
    pose proof (Rabs_pos (at_element y (fst t))). lra.
  Qed.

  Lemma magnitude_sign : 0 <= V (magnitude r).
  Proof. destruct row_facts as (_ & _ & _ & _ & H & _). pose proof (Rabs_pos (V (bias r))). lra. Qed.

  Lemma bounded_size_nonnegative : 0 <= bounded_size.
  Proof.
    apply Rplus_le_le_0_compat; [apply magnitude_sign | apply sum_nonnegative; apply bounded_terms_nonnegative].
  Qed.

  Lemma N_bound : 0 <= N <= 1073741824.
  Proof. destruct row_facts as (_ & H & _). split; [apply pos_INR | now apply length_bound]. Qed.

  Lemma row_s_bound : fin (row_s x c) -> (1 + 3 * d) * bounded_size - 5 * (N + 1) * w <= V (row_s x c).
  Proof.
    intros H. destruct row_facts as (Ht & Hl & _).
    apply (inflated_sum _ _ (fun t => Rabs (V (snd t)) * V (x (fst t)))); auto.
    - apply magnitude_sign.
    - apply bounded_terms_nonnegative.
    - intros t Hin F. destruct (mul_V _ _ F) as (_ & _ & E). rewrite abs_V in E. exact E.
    - intros t Hin F. apply mul_sign; [exact F | rewrite abs_V; apply Rabs_pos |].
      destruct (within t Hin) as (_ & Hw). pose proof (Rabs_pos (at_element y (fst t))). lra.
  Qed.

  Lemma row_s_sign : fin (row_s x c) -> 0 <= V (row_s x c).
  Proof.
    intros H. destruct row_facts as (Ht & Hl & _). destruct (mul_fin _ _ H) as (Fs & Fi & _).
    apply mul_sign; [exact H | |].
    - apply fsum_sign; [exact Fs | apply magnitude_sign |]. intros t Hin F.
      apply mul_sign; [exact F | rewrite abs_V; apply Rabs_pos |].
      destruct (within t Hin) as (_ & Hw). pose proof (Rabs_pos (at_element y (fst t))). lra.
    - destruct (inflation_V _ Hl Fi) as (I1 & _). pose proof (pos_INR (length (terms r))). change (nt c) with (float_of_nat (length (terms r))). numeric.
  Qed.

  Lemma w1_bound : sum (fun t => Rabs (V (snd t))) (terms r) - 5 * (N + 1) * w <= V (w1 c).
  Proof.
    destruct row_facts as (Ht & Hl & _ & _ & _ & _ & _ & _ & _ & Fw & _).
    assert (H := inflated_sum _ (fun t : int * float => abs (snd t)) (fun t => Rabs (V (snd t))) (terms r) 0%float Hl).
    rewrite V_0 in H. unfold c, compile_row. cbn [w1]. fold N in H.
    assert (H0 : 0 <= sum (fun t : int * float => Rabs (V (snd t))) (terms r)) by (apply sum_nonnegative; intros; apply Rabs_pos).
    eapply Rle_trans; [| apply H]; auto.
    - assert (0 <= d * sum (fun t : int * float => Rabs (V (snd t))) (terms r)) by (apply Rmult_le_pos; numeric). lra.
    - lra.
    - intros; apply Rabs_pos.
    - intros t _ _. rewrite abs_V. replace (Rabs (V (snd t)) - Rabs (V (snd t))) with 0 by ring. rewrite Rabs_R0.
      pose proof (Rabs_pos (Rabs (V (snd t)))). pose proof w_positive. numeric.
    - intros. rewrite abs_V. apply Rabs_pos.
  Qed.

  Variables (s : semantics) (factor rho : float).
  Hypothesis op_ok : operator_ok factor rho = true.

  Lemma factors_V : forall q, In q factors -> fin q /\ exists e, (0 <= e <= 10)%Z /\ V q = p2 e.
  Proof.
    intros q Hq. unfold factors in Hq.
    repeat (destruct Hq as [<- | Hq]; [split; [literal_fin |] |]); [.. | easy];
      [exists 0%Z | exists 1%Z | exists 2%Z | exists 3%Z | exists 4%Z | exists 5%Z | exists 6%Z | exists 7%Z | exists 8%Z | exists 9%Z | exists 10%Z];
      (split; [lia |]); match goal with |- V ?c = _ => literal_V c end; simpl; lra.
  Qed.

  Lemma operator_facts : fin factor /\ (exists e, (0 <= e <= 10)%Z /\ V factor = p2 e) /\ 0 <= V rho <= 1 /\ fin rho.
  Proof.
    pose proof op_ok as H. unfold operator_ok in H.
    repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
    repeat match goal with H : is_finite _ = true |- _ => apply finite_is_finite in H end.
    repeat match goal with
    | H : (?x <=? ?y)%float = true |- _ => apply leb_V in H; [| (assumption || apply fin_0 || apply fin_1) ..]
    end.
    rewrite V_0, V_1 in *. apply existsb_exists in H. destruct H as (q & Hq & He). destruct (factors_V q Hq) as (Fq & e & Hb & Vq).
    apply eqb_V in He; auto. split; [assumption |]. split; [exists e; split; [exact Hb | now rewrite He] |]. split; [split; assumption | assumption].
  Qed.

  Lemma factor_bounds : 1 <= V factor <= 1024.
  Proof.
    destruct operator_facts as (_ & (e & He & ->) & _). split.
    - change 1 with (p2 0). apply bpow_le. lia.
    - change 1024 with (p2 10). apply bpow_le. lia.
  Qed.

  (* What an execution may be away from the exact sum, in both semantics. *)
  Definition allowed : R :=
    match s with
    | real => V rho * bounded_size
    | float32 => (gamma (V (gamma_count r)) + V rho) * bounded_size
                 + 2 * eta * V factor * (V (underflow_count r) + operands_sum y (terms r))
    end.

  Lemma eta_scale : 2 * eta = p2 (-125).
  Proof. unfold eta. replace (-125)%Z with (1 + -126)%Z by lia. rewrite bpow_plus. change (p2 1) with 2. ring. Qed.

  Lemma V_eta64 : V eta64 = eta.
  Proof.
    unfold eta64. literal_V 0x1p-126%float. unfold eta. replace (-126)%Z with (52 + -178)%Z by lia. rewrite bpow_plus.
    change (p2 52) with 4503599627370496. reflexivity.
  Qed.

  Lemma row_e_bound : let size := row_s x c in fin (row_e s factor rho xm c size) -> fin size ->
    0 <= V (row_e s factor rho xm c size) /\
    allowed <= V (row_e s factor rho xm c size) * (1 + (31 / 10) * d) + 20 * (N + 1) * w.
  Proof.
    intros size H Fs. pose proof (row_s_bound Fs) as HS. pose proof (row_s_sign Fs) as S0. fold size in HS, S0.
    pose proof bounded_size_nonnegative as T0. pose proof N_bound as HN. pose proof w_positive as Hw.
    destruct operator_facts as (Ff & HF & Hrho & Frho). pose proof factor_bounds as HFb0. destruct gamma_bounds as (Hg & Hg1).
    destruct row_facts as (_ & Hl & _ & _ & _ & _ & Hc0 & _ & Fg & Fw1 & _).
    assert (HNw : 0 <= N * w) by (apply Rmult_le_pos; lra).
    set (T := bounded_size) in *. unfold allowed, row_e in *. destruct s.
    - destruct (mul_pos _ _ H) as (_ & _ & (E & _)); [lra | exact S0 |]. split; [now apply mul_sign |].
      assert (V rho * ((1 + 3 * d) * T - 5 * (N + 1) * w) <= V rho * V size) by (apply Rmult_le_compat_l; lra).
      assert (V rho * (5 * (N + 1) * w) <= 1 * (5 * (N + 1) * w)) by (apply Rmult_le_compat_r; lra).
      assert (0 <= V rho * T) by (apply Rmult_le_pos; lra). fold T. numeric.
    - assert (F1 : fin ((gam c + rho) * size)%float) by apply (add_fin _ _ H).
      assert (F2 : fin ((2 * eta64 * factor) * (underflow_count r + w1 c + nt c * xm))%float) by apply (add_fin _ _ H).
      destruct (mul_fin _ _ F1) as (Fgr & _ & _). destruct (mul_fin _ _ F2) as (Fef & Fsum & V2).
      destruct (add_fin _ _ Fsum) as (Fcw & Fnx & _).
      destruct (add_pos _ _ Fgr) as (_ & _ & (Egr & _)); [lra | lra |].
      assert (P1 : 0 <= V (gam c + rho)%float) by (apply add_sign; auto; lra).
      destruct (mul_pos _ _ F1) as (_ & _ & (E1 & _)); auto.
      assert (P1' : 0 <= V ((gam c + rho) * size)%float) by (now apply mul_sign).
      (* the first part, with S and gam exceeding by enough for its roundings *)
      assert (A1 : (gamma (V (gamma_count r)) + V rho) * T - 12 * (N + 1) * w <= V ((gam c + rho) * size)%float).
      { set (gr := gamma (V (gamma_count r)) + V rho) in *.
        assert (B1 : (1 - d) * gr <= V (gam c + rho)%float).
        { eapply Rle_trans; [| exact Egr]. apply Rmult_le_compat_l; [numeric | unfold gr; lra]. }
        assert (Hgr : 0 <= gr <= 2) by (unfold gr; lra).
        assert (B2 : (1 - d) * gr * V size <= V (gam c + rho)%float * V size) by (apply Rmult_le_compat_r; lra).
        assert (B3 : (1 - d) * gr * ((1 + 3 * d) * T - 5 * (N + 1) * w) <= (1 - d) * gr * V size).
        { apply Rmult_le_compat_l; [apply Rmult_le_pos; numeric | lra]. }
        assert (B4 : (1 - d) * gr * (5 * (N + 1) * w) <= 2 * (5 * (N + 1) * w)).
        { apply Rmult_le_compat_r; [lra | numeric]. }
        assert (0 <= gr * T) by (apply Rmult_le_pos; lra). numeric. }
      (* the second part *)
      destruct (add_pos _ _ Fcw) as (_ & _ & (Ecw & _)); [lra | |].
      { unfold c, compile_row. cbn [w1]. destruct (mul_fin _ _ Fw1) as (Fa & Fi & _). apply mul_sign; [exact Fw1 | |].
        - apply fsum_sign; [exact Fa | rewrite V_0; lra |]. intros. rewrite abs_V. apply Rabs_pos.
        - destruct (inflation_V _ Hl Fi) as (I1 & _). pose proof (pos_INR (length (terms r))). numeric. }
      pose proof w1_bound as Hw1.
      assert (Vnt : V (nt c) = N) by (apply float_of_nat_V; lia).
      destruct (mul_pos _ _ Fnx) as (_ & _ & (Enx & _)); [rewrite Vnt; lra | exact xm_sign |]. rewrite Vnt in Enx.
      assert (Pnx : 0 <= V (nt c * xm)%float) by (apply mul_sign; auto; rewrite Vnt; lra).
      set (W := sum (fun t : int * float => Rabs (V (snd t))) (terms r)) in *.
      assert (HW : 0 <= W) by (apply sum_nonnegative; intros; apply Rabs_pos).
      assert (Pcw : / 2 <= V (underflow_count r + w1 c)%float).
      { assert ((N + 1) * w <= (1073741824 + 1) * w) by (apply Rmult_le_compat_r; lra).
        assert (w <= d) by (pose proof tau_w; pose proof tau_tiny; numeric).
        numeric. }
      destruct (add_pos _ _ Fsum) as (_ & _ & (Esum & _)); [lra | exact Pnx |].
      assert (Hops : operands_sum y (terms r) <= W + N * V xm).
      { unfold operands_sum. rewrite sum_plus. apply Rplus_le_compat_l.
        eapply Rle_trans; [apply sum_le; exact at_most |]. unfold N. clear.
        induction (terms r) as [| t l IH]; simpl sum; [simpl; lra |].
        cbn [length]. rewrite S_INR. unfold sum in *. simpl. lra. }
      assert (Hx0 : 0 <= N * V xm) by (apply Rmult_le_pos; lra).
      assert (A2 : (1 - 2 * d) * (V (underflow_count r) + operands_sum y (terms r)) - 6 * (N + 1) * w
                   <= V (underflow_count r + w1 c + nt c * xm)%float).
      { assert ((1 - 2 * d) * operands_sum y (terms r) <= (1 - 2 * d) * (W + N * V xm)) by (apply Rmult_le_compat_l; numeric).
        numeric. }
      assert (Hef : V (2 * eta64 * factor)%float = 2 * eta * V factor).
      { assert (V (2 * eta64)%float = p2 (-125)).
        { literal_V (2 * eta64)%float. replace (-125)%Z with (52 + -177)%Z by lia. rewrite bpow_plus.
          change (p2 52) with 4503599627370496. reflexivity. }
        destruct (mul_fin _ _ Fef) as (_ & _ & ->). rewrite H0, eta_scale, (Rmult_comm (p2 (-125))).
        rewrite rnd_scale; [ring | apply format_V | | lia].
        pose proof factor_bounds as HFb. rewrite Rabs_pos_eq by lra.
        apply Rle_trans with 1; [change 1 with (p2 0); apply bpow_le; lia | lra]. }
      assert (Ex2 : V (2 * eta64 * factor * (underflow_count r + w1 c + nt c * xm))%float
                    = 2 * eta * V factor * V (underflow_count r + w1 c + nt c * xm)%float).
      { rewrite V2, Hef, eta_scale. set (z := V (underflow_count r + w1 c + nt c * xm)%float) in *.
        assert (Hz : / 4 <= z) by numeric.
        assert (Hp : p2 (-500) <= Rabs z).
        { rewrite Rabs_pos_eq by lra. apply Rle_trans with (/ 4); [| exact Hz].
          replace (/ 4) with (p2 (-2)) by (simpl; lra). apply bpow_le. lia. }
        destruct HF as (e & He & ->). replace (p2 (-125) * p2 e * z) with (z * p2 (-125 + e)) by (rewrite bpow_plus; ring).
        apply rnd_scale; [apply format_V | exact Hp | lia]. }
      set (P := 2 * eta * V factor) in *.
      assert (HP : 0 < P <= 1).
      { unfold P. rewrite eta_scale. assert (0 < p2 (-125)) by apply bpow_gt_0.
        pose proof factor_bounds as HFb.
        assert (p2 (-125) * 1024 <= 1) by (change 1024 with (p2 10); rewrite <- bpow_plus; change 1 with (p2 0); apply bpow_le; lia).
        split; [apply Rmult_lt_0_compat; lra |]. apply Rle_trans with (p2 (-125) * 1024); [apply Rmult_le_compat_l; lra | assumption]. }
      set (z := V (underflow_count r + w1 c + nt c * xm)%float) in *.
      set (O := V (underflow_count r) + operands_sum y (terms r)) in *.
      assert (A3 : P * ((1 - 2 * d) * O - 6 * (N + 1) * w) <= P * z) by (apply Rmult_le_compat_l; lra).
      assert (A4 : P * (6 * (N + 1) * w) <= 1 * (6 * (N + 1) * w)) by (apply Rmult_le_compat_r; lra).
      assert (HO : 0 <= O).
      { unfold O. apply Rplus_le_le_0_compat; [lra |]. apply sum_nonnegative. intros.
        apply Rplus_le_le_0_compat; apply Rabs_pos. }
      assert (HPO : 0 <= P * O) by (apply Rmult_le_pos; lra).
      assert (HPz : 0 <= P * z) by (apply Rmult_le_pos; [lra | numeric]).
      rewrite <- Ex2 in HPz, A3.
      destruct (add_pos _ _ H) as (_ & _ & (E & _)); auto. split; [now apply add_sign |].
      assert (0 <= (gamma (V (gamma_count r)) + V rho) * T) by (apply Rmult_le_pos; lra).
      fold T. change (source c) with r in *. numeric.
  Qed.

  (* The relation of the row, with the bias as centre in both semantics. *)
  Lemma row_execution : forall v, row_holds y s (V factor) (V rho) r v ->
    Rabs (v - (V (bias r) + weighted_sum y (terms r))) <= allowed + (51 / 10) * d * V (magnitude r) + 20 * w.
  Proof.
    intros v H. destruct row_facts as (_ & _ & _ & _ & _ & _ & _ & _ & _ & _ & Hb).
    destruct operator_facts as (_ & HF & Hrho & _). destruct gamma_bounds as (Hg & _).
    pose proof size_le_bounded as Hs. pose proof magnitude_sign as HM. pose proof w_positive.
    assert (HS : row_size y r <= bounded_size) by (unfold row_size, bounded_size; lra).
    unfold allowed. destruct s; unfold row_holds in H.
    - assert (V rho * row_size y r <= V rho * bounded_size) by (apply Rmult_le_compat_l; lra). unabs.
      apply Rabs_le. lra.
    - unfold row_error in H.
      assert ((gamma (V (gamma_count r)) + V rho) * row_size y r <= (gamma (V (gamma_count r)) + V rho) * bounded_size).
      { apply Rmult_le_compat_l; lra. }
      eapply Rle_trans; [exact H |]. numeric.
  Qed.

  Lemma weighted_le_absolute : forall l, Rabs (weighted_sum y l) <= absolute_sum y l.
  Proof.
    intros. eapply Rle_trans; [apply sum_abs |]. apply sum_le. intros t _. rewrite Rabs_mult. lra.
  Qed.

  Lemma slack_bound : let size := row_s x c in let e := row_e s factor rho xm c size in
    fin (row_slack c e size) ->
    0 <= V (row_slack c e size) /\
    allowed + ((N + 1) * d * (4001 / 4000) + (51 / 10) * d) * bounded_size + (24 * N + 20) * w
    <= V (row_slack c e size) * (1 + (48 / 10) * d) + tauR / 4.
  Proof.
    intros size e H. destruct row_facts as (_ & Hl & _).
    assert (Fe : fin e) by apply (add_fin _ _ H).
    assert (Fm : fin ((nt c + 4) * U * size)%float) by apply (add_fin _ _ H).
    destruct (mul_fin _ _ Fm) as (Fu & Fs & _).
    destruct (row_e_bound Fe Fs) as (E0 & E). fold size e in E0, E.
    pose proof (row_s_bound Fs) as HS. pose proof (row_s_sign Fs) as S0. fold size in HS, S0.
    pose proof bounded_size_nonnegative as T0. pose proof N_bound as HN. pose proof w_positive as Hw. pose proof tau_w as Ht.
    assert (Hu : V ((nt c + 4) * U)%float = (2 * N + 8) * d) by (apply units4_V; [lia | exact Fu]).
    destruct (mul_pos _ _ Fm) as (_ & _ & (Em & _)); [rewrite Hu; numeric | exact S0 |]. rewrite Hu in Em.
    assert (P : 0 <= V ((nt c + 4) * U * size)%float) by (apply mul_sign; auto; rewrite Hu; numeric).
    destruct (add_pos _ _ H) as (_ & _ & (Es & _)); auto. split; [now apply add_sign |].
    set (T := bounded_size) in *. set (z := V (row_slack c e size)) in *. change ((1 - d) * (V e + V ((nt c + 4) * U * size)%float) <= z) in Es.
    assert (HNw : 0 <= N * w) by (apply Rmult_le_pos; lra).
    assert (HNT : 0 <= N * T) by (apply Rmult_le_pos; lra).
    assert (HNw' : N * w <= 1073741824 * w) by (apply Rmult_le_compat_r; lra).
    assert (A : (2 * N + 8) * d * ((1 + 3 * d) * T - 5 * (N + 1) * w) <= (2 * N + 8) * d * V size).
    { apply Rmult_le_compat_l; [numeric | exact HS]. }
    assert (B : (2 * N + 8) * d * (5 * (N + 1) * w) <= / 1000 * (5 * (N + 1) * w)).
    { apply Rmult_le_compat_r; [lra | numeric]. }
    assert (C : (2 * N + (79 / 10)) * d * T - (N + 2) * w <= V ((nt c + 4) * U * size)%float) by numeric.
    clear - Es C E E0 P HNw HNw' HNT T0 HN Hw Ht. numeric.
  Qed.

  Lemma q_bound : forall m : nat, (Z.of_nat m <= 2 ^ 40)%Z ->
    let size := row_s x c in let e := row_e s factor rho xm c size in
    fin (row_q (float_of_nat m) e size) ->
    0 <= V (row_q (float_of_nat m) e size) /\
    allowed + (51 / 10) * d * V (magnitude r) + 20 * w + (2 * INR m + 2) * d * absolute_sum y (terms r) + tauR / 2
    <= V (row_q (float_of_nat m) e size) * (1 + 6 * d).
  Proof.
    intros m Hm size e H.
    assert (F1 : fin (e + (float_of_nat m + 4) * U * size)%float) by apply (add_fin _ _ H).
    assert (Fe : fin e) by apply (add_fin _ _ F1).
    assert (Fm : fin ((float_of_nat m + 4) * U * size)%float) by apply (add_fin _ _ F1).
    destruct (mul_fin _ _ Fm) as (Fu & Fs & _).
    destruct (row_e_bound Fe Fs) as (E0 & E). fold size e in E0, E.
    pose proof (row_s_bound Fs) as HS. pose proof (row_s_sign Fs) as S0. fold size in HS, S0.
    pose proof N_bound as HN. pose proof w_positive as Hw. pose proof tau_w as Ht. pose proof magnitude_sign as HM.
    pose proof size_le_bounded as Hs. pose proof absolute_sum_nonnegative as HA.
    assert (Hu : V ((float_of_nat m + 4) * U)%float = (2 * INR m + 8) * d) by (apply units4_V; [lia | exact Fu]).
    assert (HMm : 0 <= INR m <= 1099511627776).
    { split; [apply pos_INR |]. rewrite INR_IZR_INZ. apply (IZR_le _ (2 ^ 40)). exact Hm. }
    destruct (mul_pos _ _ Fm) as (_ & _ & (Em & _)); [rewrite Hu; numeric | exact S0 |]. rewrite Hu in Em.
    assert (P : 0 <= V ((float_of_nat m + 4) * U * size)%float) by (apply mul_sign; auto; rewrite Hu; numeric).
    destruct (add_pos _ _ F1) as (_ & _ & (E1 & _)); auto.
    assert (P1 : 0 <= V (e + (float_of_nat m + 4) * U * size)%float) by now apply add_sign.
    destruct (add_pos _ _ H) as (_ & _ & (E2 & _)); [exact P1 | rewrite V_tau; pose proof tau_positive; lra |].
    rewrite V_tau in E2.
    split; [apply add_sign; auto; rewrite V_tau; pose proof tau_positive; lra |].
    set (z := V (row_q (float_of_nat m) e size)) in *. change ((1 - d) * (V (e + (float_of_nat m + 4) * U * size)%float + tauR) <= z) in E2. set (M := INR m) in *.
    set (B := sum (fun t => Rabs (V (snd t)) * V (x (fst t))) (terms r)) in *.
    assert (HB : 0 <= B) by lra.
    assert (HT : bounded_size = V (magnitude r) + B) by reflexivity. rewrite HT in HS.
    set (A := absolute_sum y (terms r)) in *. set (G := V (magnitude r)) in *.
    assert (HNw : 0 <= N * w) by (apply Rmult_le_pos; lra).
    assert (HNw' : N * w <= 1073741824 * w) by (apply Rmult_le_compat_r; lra).
    assert (HMG : 0 <= M * G) by (apply Rmult_le_pos; lra).
    assert (HMA : 0 <= M * A) by (apply Rmult_le_pos; lra).
    assert (HMB : M * A <= M * B) by (apply Rmult_le_compat_l; lra).
    assert (A1 : (2 * M + 8) * d * ((1 + 3 * d) * (G + B) - 5 * (N + 1) * w) <= (2 * M + 8) * d * V size).
    { apply Rmult_le_compat_l; [numeric | exact HS]. }
    assert (A2 : (2 * M + 8) * d * (5 * (N + 1) * w) <= / 1000 * (5 * (N + 1) * w)).
    { apply Rmult_le_compat_r; [lra | numeric]. }
    assert (A3 : (2 * M + (79 / 10)) * d * (G + B) - (N + 2) * w <= V ((float_of_nat m + 4) * U * size)%float) by numeric.
    clear - A3 E1 E2 E E0 P P1 HNw HNw' HMG HMA HMB HB HA Hs HM HN Hw Ht HMm. numeric.
  Qed.

  (* ---- The interval step *)
  Variables (lo hi : int -> float).
  Hypothesis bounds : forall t, In t (terms r) ->
    fin (lo (fst t)) /\ fin (hi (fst t)) /\ V (lo (fst t)) <= at_element y (fst t) <= V (hi (fst t)) /\
    Rabs (V (lo (fst t))) <= V (x (fst t)) /\ Rabs (V (hi (fst t))) <= V (x (fst t)).

  Lemma chosen_size : forall (pick : int * float -> int -> float),
    (forall t, In t (terms r) -> Rabs (V (pick t (fst t))) <= V (x (fst t))) ->
    fin (fsum (fun t => snd t * pick t (fst t))%float (terms r) (bias r)) ->
    Rabs (V (fsum (fun t => snd t * pick t (fst t))%float (terms r) (bias r))
          - (V (bias r) + sum (fun t => V (snd t) * V (pick t (fst t))) (terms r)))
    <= (N + 1) * d * (4001 / 4000) * bounded_size + 4 * N * w.
  Proof.
    intros pick Hp H. destruct row_facts as (_ & _ & _ & _ & Hb & _). pose proof N_bound as HN.
    destruct (fsum_error _ (fun t => snd t * pick t (fst t))%float (fun t => V (snd t) * V (pick t (fst t))) (terms r) (bias r))
      as (_ & _ & E); [fold N; lra | | exact H |].
    { intros t _ F. now destruct (mul_V _ _ F) as (_ & _ & E). }
    fold N in E. eapply Rle_trans; [exact E |]. apply Rplus_le_compat_r. apply Rmult_le_compat_l; [numeric |].
    apply Rplus_le_compat; [exact Hb |]. apply sum_le. intros t Ht. rewrite Rabs_mult.
    apply Rmult_le_compat_l; [apply Rabs_pos | now apply Hp].
  Qed.

  Theorem interval_step_lower : forall v, row_holds y s (V factor) (V rho) r v ->
    let size := row_s x c in let e := row_e s factor rho xm c size in
    fin (lower (row_low lo hi r) (row_slack c e size)) ->
    V (lower (row_low lo hi r) (row_slack c e size)) <= v.
  Proof.
    intros v Hv size e H. pose proof (row_execution v Hv) as Ev.
    assert (Fl : fin (row_low lo hi r) /\ fin (row_slack c e size)).
    { unfold lower in H. destruct (sub_fin _ _ H) as (Fx & Ft & _). destruct (add_fin _ _ Ft) as (Ft' & _).
      destruct (add_fin _ _ Ft') as (Fe & _). now split. }
    destruct Fl as (Fl & Fs). destruct (slack_bound Fs) as (Z0 & Z). fold size e in Z0, Z.
    destruct (lower_V _ _ H Z0) as (_ & _ & L). pose proof (Rabs_pos (V (row_low lo hi r))).
    pose proof (chosen_size (fun t e => if (0 <? snd t)%float then lo e else hi e)) as C. cbv beta in C.
    specialize (C ltac:(intros t Ht; destruct (bounds t Ht) as (_ & _ & _ & B1 & B2); destruct (0 <? snd t)%float; assumption) Fl).
    change (fsum _ _ _) with (row_low lo hi r) in C.
    assert (Hmin : sum (fun t => V (snd t) * V (if (0 <? snd t)%float then lo (fst t) else hi (fst t))) (terms r)
                   <= weighted_sum y (terms r)).
    { apply sum_le. intros t Ht. destruct (bounds t Ht) as (F1 & F2 & B & _). destruct row_facts as (Fw & _). specialize (Fw t Ht).
      destruct (0 <? snd t)%float eqn:Hs.
      - apply ltb_V in Hs; auto using fin_0. rewrite V_0 in Hs. apply Rmult_le_compat_l; lra.
      - assert (V (snd t) <= 0).
        { apply Rnot_lt_le. intros Hlt. rewrite <- V_0 in Hlt. apply ltb_V in Hlt; auto using fin_0. congruence. }
        nra. }
    pose proof bounded_size_nonnegative as T0. pose proof magnitude_sign. pose proof tau_positive. pose proof w_positive.
    assert (V (magnitude r) <= bounded_size).
    { unfold bounded_size. pose proof size_le_bounded. pose proof absolute_sum_nonnegative. lra. }
    assert (0 <= N * w) by (apply Rmult_le_pos; [apply N_bound | lra]).
    unabs. fold size e in L. numeric.
  Qed.

  Theorem interval_step_upper : forall v, row_holds y s (V factor) (V rho) r v ->
    let size := row_s x c in let e := row_e s factor rho xm c size in
    fin (upper (row_high lo hi r) (row_slack c e size)) ->
    v <= V (upper (row_high lo hi r) (row_slack c e size)).
  Proof.
    intros v Hv size e H. pose proof (row_execution v Hv) as Ev.
    assert (Fl : fin (row_high lo hi r) /\ fin (row_slack c e size)).
    { unfold upper in H. destruct (add_fin _ _ H) as (Fx & Ft & _). destruct (add_fin _ _ Ft) as (Ft' & _).
      destruct (add_fin _ _ Ft') as (Fe & _). now split. }
    destruct Fl as (Fl & Fs). destruct (slack_bound Fs) as (Z0 & Z). fold size e in Z0, Z.
    destruct (upper_V _ _ H Z0) as (_ & _ & L). pose proof (Rabs_pos (V (row_high lo hi r))).
    pose proof (chosen_size (fun t e => if (0 <? snd t)%float then hi e else lo e)) as C. cbv beta in C.
    specialize (C ltac:(intros t Ht; destruct (bounds t Ht) as (_ & _ & _ & B1 & B2); destruct (0 <? snd t)%float; assumption) Fl).
    change (fsum _ _ _) with (row_high lo hi r) in C.
    assert (Hmax : weighted_sum y (terms r)
                   <= sum (fun t => V (snd t) * V (if (0 <? snd t)%float then hi (fst t) else lo (fst t))) (terms r)).
    { apply sum_le. intros t Ht. destruct (bounds t Ht) as (F1 & F2 & B & _). destruct row_facts as (Fw & _). specialize (Fw t Ht).
      destruct (0 <? snd t)%float eqn:Hs.
      - apply ltb_V in Hs; auto using fin_0. rewrite V_0 in Hs. apply Rmult_le_compat_l; lra.
      - assert (V (snd t) <= 0).
        { apply Rnot_lt_le. intros Hlt. rewrite <- V_0 in Hlt. apply ltb_V in Hlt; auto using fin_0. congruence. }
        nra. }
    pose proof bounded_size_nonnegative as T0. pose proof magnitude_sign. pose proof tau_positive. pose proof w_positive.
    assert (V (magnitude r) <= bounded_size).
    { unfold bounded_size. pose proof size_le_bounded. pose proof absolute_sum_nonnegative. lra. }
    assert (0 <= N * w) by (apply Rmult_le_pos; [apply N_bound | lra]).
    unabs. fold size e in L. numeric.
  Qed.


  (* The premise that the first PROPAGATE checks is that of the relation. *)
  Theorem premise_step : premise_ok factor c (row_s x c) = true -> row_premise y (V factor) r.
  Proof.
    intros H. unfold premise_ok in H. apply andb_prop in H. destruct H as (F & H). apply finite_is_finite in F.
    set (S := row_s x c) in *. destruct (add_fin _ _ F) as (Fp & _ & Vv). destruct (mul_fin _ _ Fp) as (Fgf & Fs & _).
    destruct (mul_fin _ _ Fgf) as (Fg & _ & Vgf). destruct operator_facts as (_ & HF & _). destruct gamma_bounds as (Hg & Hg1).
    pose proof (row_s_bound Fs) as HS. pose proof (row_s_sign Fs) as S0. fold S in HS, S0.
    pose proof bounded_size_nonnegative as T0. pose proof N_bound as HN. pose proof w_positive as Hw. pose proof tau_w. pose proof tau_tiny.
    destruct (add_pos _ _ Fg) as (_ & _ & (Eg & _)); [rewrite V_1; lra | lra |]. rewrite V_1 in Eg.
    set (g := V (1 + gam c)%float) in *.
    assert (Hg2 : / 2 <= g) by numeric.
    assert (Hgf : V ((1 + gam c) * factor)%float = g * V factor).
    { rewrite Vgf. fold g. assert (Hb : p2 (-500) <= Rabs g).
      { rewrite Rabs_pos_eq by lra. apply Rle_trans with (/ 2); [| lra]. replace (/ 2) with (p2 (-1)) by (simpl; lra). apply bpow_le. lia. }
      destruct HF as (e & He & ->). apply rnd_scale; [apply format_V | exact Hb | lia]. }
    pose proof factor_bounds as HF0.
    destruct (mul_pos _ _ Fp) as (_ & _ & (Ep & _)); [rewrite Hgf; apply Rmult_le_pos; lra | exact S0 |]. rewrite Hgf in Ep.
    set (P := V ((1 + gam c) * factor * S)%float) in *.
    assert (F127 : fin 0x1p127) by literal_fin.
    assert (V127 : V 0x1p127 = p2 127).
    { literal_V 0x1p127%float. change (p2 127) with (p2 (52 + 75)). rewrite bpow_plus. change (p2 52) with 4503599627370496. reflexivity. }
    apply ltb_V in H; auto. rewrite V127, Vv, V_1 in H. fold P in H.
    assert (HP : P + 1 < p2 127).
    { apply Rnot_le_lt. intros Hle. apply rnd_le in Hle. rewrite <- V127 in Hle at 1. rewrite rnd_V, V127 in Hle. lra. }
    pose proof size_le_bounded as Hsz. pose proof magnitude_sign as HM. pose proof absolute_sum_nonnegative as HA.
    assert (HSy : 0 <= row_size y r <= bounded_size) by (unfold row_size, bounded_size; lra).
    unfold row_premise. set (T := bounded_size) in *. set (q := (1 + gamma (V (gamma_count r))) * V factor).
    assert (Hq : 1 <= q <= 2048) by (unfold q; split; [replace 1 with (1 * 1) by ring; apply Rmult_le_compat; lra | replace 2048 with (2 * 1024) by ring; apply Rmult_le_compat; lra]).
    assert (HqT : q * row_size y r <= q * T) by (apply Rmult_le_compat_l; lra).
    assert (HqT0 : 0 <= q * T) by (apply Rmult_le_pos; lra).
    assert (Hgq : (1 - d) * q <= g * V factor).
    { unfold q. rewrite <- Rmult_assoc. apply Rmult_le_compat_r; [lra |]. eapply Rle_trans; [| exact Eg]. apply Rmult_le_compat_l; [numeric | lra]. }
    assert (Q1 : (1 - d) * q * V S <= g * V factor * V S) by (apply Rmult_le_compat_r; lra).
    assert (Q2 : (1 - d) * q * ((1 + 3 * d) * T - 5 * (N + 1) * w) <= (1 - d) * q * V S).
    { apply Rmult_le_compat_l; [apply Rmult_le_pos; numeric | lra]. }
    assert (HNw : 0 <= (N + 1) * w <= 1073741825 * w) by (split; [apply Rmult_le_pos; lra | apply Rmult_le_compat_r; lra]).
    assert (Q3 : (1 - d) * q * (5 * (N + 1) * w) <= 2048 * (5 * (N + 1) * w)) by (apply Rmult_le_compat_r; [lra | numeric]).
    assert (Q4 : q * T * (1 + (9 / 10) * d) - 10250 * ((N + 1) * w) - w <= P) by numeric.
    assert (Hbig : 8 < p2 127) by (change 8 with (p2 3); apply bpow_lt; lia).
    destruct (Rle_lt_dec (q * T) 1).
    - lra.
    - assert (10250 * ((N + 1) * w) + w <= (9 / 10) * d * (q * T)) by numeric. lra.
  Qed.
End Row.
