(* The logistic function on the grid k/64: that the numbers of SigmoidTable.v enclose
   it, computed with integers from exp(-t) ~ 1 - t and repeated squaring, and how far
   it is from linear interpolation between two points.

   Relies on SigmoidTable, Binary64, Semantics (the function) and Store (arrays). *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Binary64 Semantics Store SigmoidTable.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

(* ---- The table: place j of 0 .. 2048 stands for the grid point (j - 1024) / 64 *)

Definition grid (j : int) : float := ((of_uint63 j - 1024) / 64)%float.

Fixpoint fill (k : int) (l : list float) (lows highs : PArray.array float) : PArray.array float * PArray.array float :=
  match l with
  | [] => (lows, highs)
  | v :: rest =>
      let u := (if (k =? 0)%uint63 then v else v + 0x1p-53)%float in
      fill (k + 1)%uint63 rest (write (write lows (1024 - k)%uint63 (1 - u)%float) (1024 + k)%uint63 v)
        (write (write highs (1024 - k)%uint63 (1 - v)%float) (1024 + k)%uint63 u)
  end.

Definition tables : PArray.array float * PArray.array float :=
  fill 0 below (PArray.make 2049 0%float) (PArray.make 2049 0%float).
Definition table_lo (j : int) : float := read (fst tables) j.
Definition table_hi (j : int) : float := read (snd tables) j.

(* ---- Enclosures of real numbers x >= 0 in units of 2^-160 *)

Local Open Scope Z_scope.
Definition one : Z := 2 ^ 160.
Definition product (p q : Z * Z) : Z * Z := (Z.shiftr (fst p * fst q) 160, Z.shiftr (snd p * snd q) 160 + 1).
Fixpoint squares (n : nat) (p : Z * Z) : Z * Z :=
  match n with O => p | S n => let q := squares n p in product q q end.
(* exp(-2^-76), and exp(-1/64) from it *)
Definition first_power : Z * Z := (one - 2 ^ 84, one - 2 ^ 84 + 2 ^ 8).
Definition grid_step : Z * Z := squares 70 first_power.

(* A float as an integer of units 2^-100 *)
Definition scaled (x : float) : option Z :=
  match Prim2SF x with
  | S754_zero _ => Some 0
  | S754_finite s m e => if -100 <=? e then Some (Z.shiftl (cond_Zopp s (Zpos m)) (e + 100)) else None
  | _ => None
  end.
Definition is_scaled (x : float) (P : Z -> bool) : bool := match scaled x with Some m => P m | None => false end.

(* The points k/64 and -k/64, where e encloses exp(-k/64) *)
Definition checked_at (k : int) (e : Z * Z) : bool :=
  let right := (1024 + k)%uint63 in let left := (1024 - k)%uint63 in
  is_scaled (grid right) (Z.eqb (to_Z k * 2 ^ 94)) && is_scaled (grid left) (Z.eqb (- to_Z k * 2 ^ 94)) &&
  is_scaled (table_lo right) (fun m => m * (one + snd e) <=? 2 ^ 100 * one) &&
  is_scaled (table_hi right) (fun m => 2 ^ 100 * one <=? m * (one + fst e)) &&
  is_scaled (table_lo left) (fun m => m * (one + fst e) <=? 2 ^ 100 * fst e) &&
  is_scaled (table_hi left) (fun m => 2 ^ 100 * snd e <=? m * (one + snd e)).

Fixpoint checked_from (n : nat) (k : int) (e : Z * Z) (step : Z * Z) : bool :=
  checked_at k e && match n with O => true | S n => checked_from n (k + 1)%uint63 (product e step) step end.

Lemma table_checked : checked_from 1024 0 (one, one) grid_step = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Local Close Scope Z_scope.

(* ---- *)

Definition encloses (p : Z * Z) (x : R) : Prop :=
  0 <= IZR (fst p) /\ IZR (fst p) <= x * IZR one <= IZR (snd p).

Lemma one_positive : 0 < IZR one. Proof. now apply IZR_lt. Qed.

Lemma shifted : forall a, let q := IZR (Z.shiftr a 160) in q * IZR one <= IZR a < (q + 1) * IZR one.
Proof.
  intros a q. unfold q. rewrite Z.shiftr_div_pow2 by lia. fold one. rewrite <- plus_IZR, <- !mult_IZR.
  pose proof (Z.mul_div_le a one eq_refl). pose proof (Z.mul_succ_div_gt a one eq_refl). split; [apply IZR_le | apply IZR_lt]; lia.
Qed.

Lemma product_encloses : forall p q x y, encloses p x -> encloses q y -> encloses (product p q) (x * y).
Proof.
  intros p q x y (P0 & P1 & P2) (Q0 & Q1 & Q2). unfold encloses, product. cbn [fst snd]. rewrite plus_IZR.
  destruct (shifted (fst p * fst q)) as (A1 & A2). destruct (shifted (snd p * snd q)) as (B1 & B2).
  rewrite mult_IZR in *. pose proof one_positive. set (K := IZR one) in *.
  assert (L : IZR (fst p) * IZR (fst q) <= x * K * (y * K)) by (apply Rmult_le_compat; lra).
  assert (G : x * K * (y * K) <= IZR (snd p) * IZR (snd q)) by (apply Rmult_le_compat; lra).
  split; [| split].
  - apply IZR_le. apply Z.shiftr_nonneg. apply le_IZR. rewrite mult_IZR. now apply Rmult_le_pos.
  - apply Rmult_le_reg_r with K; lra.
  - apply Rmult_le_reg_r with K; lra.
Qed.

Lemma squares_enclose : forall n p x, encloses p (exp x) -> encloses (squares n p) (exp (2 ^ n * x)).
Proof.
  induction n as [| n IH]; intros p x H; cbn [squares pow].
  - now rewrite Rmult_1_l.
  - replace (2 * 2 ^ n * x) with (2 ^ n * x + 2 ^ n * x) by ring. rewrite exp_plus. apply product_encloses; now apply IH.
Qed.

Lemma grid_step_encloses : encloses grid_step (exp (- / 64)).
Proof.
  replace (- / 64) with (2 ^ 70 * - / IZR (2 ^ 76)) by (simpl; lra). apply squares_enclose.
  unfold encloses, first_power, one. cbn [fst snd]. set (t := / IZR (2 ^ 76)).
  pose proof (exp_ineq1_le (- t)) as A. pose proof (exp_ineq1_le t) as B. pose proof (exp_pos t). pose proof (exp_pos (- t)).
  assert (C : exp (- t) * exp t = 1) by (rewrite <- exp_plus, Rplus_opp_l; apply exp_0).
  assert (D : exp (- t) * (1 + t) <= 1) by nra.
  rewrite plus_IZR, minus_IZR. fold one. pose proof one_positive. set (K := IZR one) in *.
  assert (M : IZR (2 ^ 76) <> 0) by now apply not_0_IZR.
  assert (K1 : IZR (2 ^ 84) = K * t).
  { unfold K, t, one. replace (2 ^ 160)%Z with (2 ^ 84 * 2 ^ 76)%Z by reflexivity. rewrite mult_IZR. now field. }
  assert (K2 : IZR (2 ^ 8) = K * t * t).
  { rewrite <- K1. unfold t. replace (2 ^ 84)%Z with (2 ^ 8 * 2 ^ 76)%Z by reflexivity. rewrite mult_IZR. now field. }
  assert (T : 0 < t < 1 / 2).
  { unfold t. split; [apply Rinv_0_lt_compat; now apply IZR_lt |]. apply Rmult_lt_reg_r with (IZR (2 ^ 76)); [now apply IZR_lt |]. rewrite Rinv_l by exact M. lra. }
  rewrite K1, K2. clearbody t K. set (E := exp (- t)) in *.
  assert (E <= 1 - t + t * t) by nra. repeat split; nra.
Qed.

Lemma scaled_V : forall x z, scaled x = Some z -> fin x /\ V x * IZR (2 ^ 100) = IZR z.
Proof.
  intros x z H. rewrite fin_SF, V_SF2R. unfold scaled in H. destruct (Prim2SF x) as [b | b | | b m e]; try discriminate H; cbn.
  - injection H as <-. split; [reflexivity | ring].
  - destruct (Z.leb_spec (-100) e) as [He |]; [| discriminate H]. injection H as <-. split; [reflexivity |].
    rewrite Z.shiftl_mul_pow2 by lia. rewrite mult_IZR. unfold F2R. cbn [Fnum Fexp]. rewrite Rmult_assoc. f_equal.
    change (IZR (2 ^ 100)) with (p2 100). change (2 ^ (e + 100))%Z with (radix2 ^ (e + 100))%Z.
    rewrite IZR_Zpower by lia. now rewrite bpow_plus.
Qed.

Lemma is_scaled_V : forall x P, is_scaled x P = true -> fin x /\ exists z, P z = true /\ V x * IZR (2 ^ 100) = IZR z.
Proof.
  intros x P H. unfold is_scaled in H. destruct (scaled x) eqn:E; [| discriminate H].
  destruct (scaled_V _ _ E) as (F & Hz). eauto.
Qed.

Definition table_ok (j : int) : Prop :=
  let x := (IZR (to_Z j) - 1024) / 64 in
  fin (grid j) /\ V (grid j) = x /\ fin (table_lo j) /\ fin (table_hi j) /\ V (table_lo j) <= sigmoid x <= V (table_hi j).

(* What the four comparisons say: v u is an integer of units u, e encloses E in units K. *)
Section Quotients.
  Variables (u K E v : R) (e : Z * Z).
  Hypothesis Hu : 0 < u.
  Hypothesis HK : 0 < K.
  Hypothesis HE : 0 < E.
  Hypothesis E0 : 0 <= IZR (fst e).
  Hypothesis E1 : IZR (fst e) <= E * K <= IZR (snd e).

  Lemma below_right : v * u * (K + IZR (snd e)) <= u * K -> v <= / (1 + E).
  Proof.
    intros H. apply Rmult_le_reg_r with (1 + E); [lra |]. rewrite Rinv_l by lra.
    destruct (Rle_lt_dec v 0); [nra |]. apply Rmult_le_reg_r with (u * K); [now apply Rmult_lt_0_compat |].
    assert (0 < v * u) by now apply Rmult_lt_0_compat. nra.
  Qed.
  Lemma above_right : u * K <= v * u * (K + IZR (fst e)) -> / (1 + E) <= v.
  Proof.
    intros H. apply Rmult_le_reg_r with (1 + E); [lra |]. rewrite Rinv_l by lra.
    assert (0 < u * K) by now apply Rmult_lt_0_compat.
    destruct (Rle_lt_dec (v * u) 0); [nra |]. apply Rmult_le_reg_r with (u * K); [assumption |]. nra.
  Qed.
  Lemma below_left : v * u * (K + IZR (fst e)) <= u * IZR (fst e) -> v <= E / (1 + E).
  Proof.
    intros H. apply Rmult_le_reg_r with (1 + E); [lra |]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
    assert (v * K <= (1 - v) * IZR (fst e)) by (apply Rmult_le_reg_r with u; lra).
    destruct (Rle_lt_dec v 1).
    - assert ((1 - v) * IZR (fst e) <= (1 - v) * (E * K)) by (apply Rmult_le_compat_l; lra).
      apply Rmult_le_reg_r with K; lra.
    - assert (0 < v * K) by (apply Rmult_lt_0_compat; lra). nra.
  Qed.
  Lemma above_left : u * IZR (snd e) <= v * u * (K + IZR (snd e)) -> E / (1 + E) <= v.
  Proof.
    intros H. apply Rmult_le_reg_r with (1 + E); [lra |]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
    assert ((1 - v) * IZR (snd e) <= v * K) by (apply Rmult_le_reg_r with u; lra).
    destruct (Rle_lt_dec v 1); [| nra].
    assert ((1 - v) * (E * K) <= (1 - v) * IZR (snd e)) by (apply Rmult_le_compat_l; lra).
    apply Rmult_le_reg_r with K; lra.
  Qed.
End Quotients.

Lemma checked_at_ok : forall k e, (to_Z k <= 1024)%Z -> checked_at k e = true -> encloses e (exp (- (IZR (to_Z k) / 64))) ->
  table_ok (1024 + k) /\ table_ok (1024 - k).
Proof.
  intros k e Hk H (E0 & E1 & E2). unfold checked_at in H. pose proof (to_Z_bounded k).
  repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
  repeat match goal with H : is_scaled _ _ = true |- _ =>
    apply is_scaled_V in H; destruct H as (? & ? & H & ?); (apply Z.eqb_eq in H || apply Z.leb_le in H); apply IZR_eq in H || apply IZR_le in H;
    repeat rewrite ?mult_IZR, ?plus_IZR, ?opp_IZR in H end.
  assert (J1 : to_Z (1024 + k)%uint63 = (1024 + to_Z k)%Z).
  { rewrite add_spec. apply Z.mod_small. change (to_Z 1024) with 1024%Z. change wB with (2 ^ 63)%Z. lia. }
  assert (J2 : to_Z (1024 - k)%uint63 = (1024 - to_Z k)%Z).
  { rewrite sub_spec. apply Z.mod_small. change (to_Z 1024) with 1024%Z. change wB with (2 ^ 63)%Z. lia. }
  unfold table_ok. rewrite J1, J2, plus_IZR, minus_IZR.
  pose proof one_positive. set (K := IZR one) in *. set (t := IZR (to_Z k) / 64) in *.
  assert (H100 : IZR (2 ^ 100) = IZR (2 ^ 94) * 64) by (rewrite <- mult_IZR; reflexivity).
  assert (H94 : 0 < IZR (2 ^ 94)) by now apply IZR_lt. assert (P100 : 0 < IZR (2 ^ 100)) by now apply IZR_lt.
  set (h := IZR (2 ^ 94)) in *. set (u := IZR (2 ^ 100)) in *.
  replace ((1024 + IZR (to_Z k) - 1024) / 64) with t by (unfold t; field).
  replace ((1024 - IZR (to_Z k) - 1024) / 64) with (- t) by (unfold t; field).
  unfold sigmoid. rewrite Ropp_involutive. pose proof (exp_pos (- t)) as Pe. set (E := exp (- t)) in *.
  assert (Ex : exp t = / E) by (unfold E; rewrite exp_Ropp, Rinv_inv; reflexivity). rewrite Ex.
  replace (/ (1 + / E)) with (E / (1 + E)) by (field; lra).
  repeat match goal with H : IZR ?z * (_ + _) <= _, G : _ = IZR ?z |- _ => rewrite <- G in H
    | H : _ <= IZR ?z * (_ + _), G : _ = IZR ?z |- _ => rewrite <- G in H end.
  assert (Ht : IZR (to_Z k) = t * 64) by (unfold t; field). rewrite Ht in *.
  split; (split; [assumption |]; split; [| split; [assumption | split; [assumption | split]]]).
  - apply Rmult_eq_reg_r with u; [| now apply Rgt_not_eq]. match goal with G : ?v * u = IZR ?z, F : _ * h = IZR ?z |- ?v * u = _ => rewrite G, <- F, H100; ring end.
  - apply (below_right u K E _ e); auto.
  - apply (above_right u K E _ e); auto.
  - apply Rmult_eq_reg_r with u; [| now apply Rgt_not_eq]. match goal with G : ?v * u = IZR ?z, F : _ * h = IZR ?z |- ?v * u = _ => rewrite G, <- F, H100; ring end.
  - apply (below_left u K E _ e); auto.
  - apply (above_left u K E _ e); auto.
Qed.

Lemma checked_from_ok : forall n k e, (to_Z k + Z.of_nat n <= 1024)%Z -> checked_from n k e grid_step = true ->
  encloses e (exp (- (IZR (to_Z k) / 64))) ->
  forall i, (to_Z k <= to_Z i <= to_Z k + Z.of_nat n)%Z -> table_ok (1024 + i) /\ table_ok (1024 - i).
Proof.
  induction n as [| n IH]; intros k e Hk H He i Hi; cbn [checked_from] in H; apply andb_prop in H; destruct H as (H0 & H).
  - assert (i = k) as -> by (apply to_Z_inj; lia). apply checked_at_ok with e; auto; lia.
  - destruct (Z.eq_dec (to_Z i) (to_Z k)) as [E | E].
    + apply to_Z_inj in E. subst. apply checked_at_ok with e; auto; lia.
    + assert (Hs : to_Z (k + 1) = (to_Z k + 1)%Z).
      { rewrite add_spec, to_Z_1. apply Z.mod_small. pose proof (to_Z_bounded k). change wB with (2 ^ 63)%Z. lia. }
      apply (IH (k + 1)%uint63 (product e grid_step)); try lia; auto.
      rewrite Hs, plus_IZR. replace (- ((IZR (to_Z k) + 1) / 64)) with (- (IZR (to_Z k) / 64) + - / 64) by field.
      rewrite exp_plus. apply product_encloses; [exact He | apply grid_step_encloses].
Qed.

Theorem table_sound : forall j, (to_Z j <= 2048)%Z -> table_ok j.
Proof.
  intros j Hj. pose proof (to_Z_bounded j) as Bj.
  assert (Hall : forall i, (to_Z i <= 1024)%Z -> table_ok (1024 + i) /\ table_ok (1024 - i)).
  { intros i Hi. pose proof (to_Z_bounded i). apply (checked_from_ok 1024 0 (one, one)); try exact table_checked; rewrite ?to_Z_0; try lia.
    unfold encloses. cbn [fst snd]. replace (- (0 / 64)) with 0 by field. rewrite exp_0. pose proof one_positive. lra. }
  destruct (Z_le_gt_dec 1024 (to_Z j)) as [H | H].
  - assert (E : to_Z (j - 1024)%uint63 = (to_Z j - 1024)%Z).
    { rewrite sub_spec. apply Z.mod_small. change (to_Z 1024) with 1024%Z. lia. }
    replace j with (1024 + (j - 1024))%uint63; [exact (proj1 (Hall (j - 1024)%uint63 ltac:(lia))) |].
    apply to_Z_inj. rewrite add_spec, E. change (to_Z 1024) with 1024%Z. rewrite Z.mod_small; lia.
  - assert (E : to_Z (1024 - j)%uint63 = (1024 - to_Z j)%Z).
    { rewrite sub_spec. apply Z.mod_small. change (to_Z 1024) with 1024%Z. change wB with (2 ^ 63)%Z. lia. }
    replace j with (1024 - (1024 - j))%uint63; [exact (proj2 (Hall (1024 - j)%uint63 ltac:(lia))) |].
    apply to_Z_inj. rewrite sub_spec, E. change (to_Z 1024) with 1024%Z. rewrite Z.mod_small; lia.
Qed.

(* ---- Distance from linear interpolation *)

Lemma sigmoid_within : forall x, 0 < sigmoid x < 1.
Proof.
  intros x. unfold sigmoid. pose proof (exp_pos (- x)). split.
  - apply Rinv_0_lt_compat. lra.
  - rewrite <- Rinv_1. apply Rinv_lt_contravar; lra.
Qed.

Lemma sigmoid_monotone : forall x z, x <= z -> sigmoid x <= sigmoid z.
Proof.
  intros x z H. unfold sigmoid. pose proof (exp_pos (- x)). pose proof (exp_pos (- z)).
  apply Rinv_le_contravar; [lra |]. destruct H as [H | ->]; [| lra].
  pose proof (exp_increasing (- z) (- x)). lra.
Qed.

Lemma derivative_ext : forall f g x l, (forall t, f t = g t) -> derivable_pt_lim f x l -> derivable_pt_lim g x l.
Proof. intros f g x l E H eps He. destruct (H eps He) as (del & Hd). exists del. intros h. rewrite <- !E. apply Hd. Qed.

Lemma sigmoid_derivative : forall x, derivable_pt_lim sigmoid x (sigmoid x * (1 - sigmoid x)).
Proof.
  intros x. apply derivative_ext with (fct_cte 1 / (fct_cte 1 + comp exp (- id)))%F.
  - intros t. unfold div_fct, plus_fct, fct_cte, comp, opp_fct, id, sigmoid, Rdiv. now rewrite Rmult_1_l.
  - pose proof (exp_pos (- x)) as P.
    replace (sigmoid x * (1 - sigmoid x)) with
      ((0 * (fct_cte 1 + comp exp (- id))%F x - (0 + exp (- x) * (- 1)) * fct_cte 1 x) / Rsqr ((fct_cte 1 + comp exp (- id))%F x)).
    + apply derivable_pt_lim_div.
      * apply derivable_pt_lim_const.
      * apply derivable_pt_lim_plus; [apply derivable_pt_lim_const |].
        apply derivable_pt_lim_comp; [apply derivable_pt_lim_opp, derivable_pt_lim_id |]. apply derivable_pt_lim_exp.
      * unfold plus_fct, fct_cte, comp, opp_fct, id. lra.
    + unfold plus_fct, fct_cte, comp, opp_fct, id, sigmoid, Rsqr. field. lra.
Qed.

Lemma sigmoid_second_derivative : forall x,
  derivable_pt_lim (fun t => sigmoid t * (1 - sigmoid t)) x (sigmoid x * (1 - sigmoid x) * (1 - 2 * sigmoid x)).
Proof.
  intros x. replace (sigmoid x * (1 - sigmoid x) * (1 - 2 * sigmoid x)) with
    (sigmoid x * (1 - sigmoid x) * (1 - sigmoid x) + sigmoid x * (0 - sigmoid x * (1 - sigmoid x))) by ring.
  apply (derivable_pt_lim_mult sigmoid (fct_cte 1 - sigmoid)%F); [apply sigmoid_derivative |].
  apply derivable_pt_lim_minus; [apply derivable_pt_lim_const | apply sigmoid_derivative].
Qed.

Lemma curvature_below : forall u, -1 <= u <= 1 -> (1 - u * u) * u <= 4 * (963 / 10000).
Proof.
  intros u H. assert (0 <= (u - 5774 / 10000) * (u - 5774 / 10000) * (u + 2 * (5774 / 10000))).
  { apply Rmult_le_pos; [apply Rle_0_sqr | lra]. }
  nra.
Qed.

(* |sigma''| is at most sqrt 3 / 18 *)
Lemma curvature : forall x, Rabs (sigmoid x * (1 - sigmoid x) * (1 - 2 * sigmoid x)) <= 963 / 10000.
Proof.
  intros x. pose proof (sigmoid_within x). set (s := sigmoid x) in *. set (u := 1 - 2 * s).
  replace (s * (1 - s) * u) with ((1 - u * u) * u / 4) by (unfold u; field).
  pose proof (curvature_below u). pose proof (curvature_below (- u)). unfold u in *. apply Rabs_le. lra.
Qed.

(* A function with a derivative that does not decrease lies below its chords. *)
Lemma below_chord : forall f f' f'' a b x,
  (forall t, derivable_pt_lim f t (f' t)) -> (forall t, derivable_pt_lim f' t (f'' t)) -> (forall t, 0 <= f'' t) ->
  a <= x <= b -> f x * (b - a) <= f a * (b - x) + f b * (x - a).
Proof.
  intros f f' f'' a b x D1 D2 P (Ha & Hb). destruct Ha as [Ha | ->]; [| lra]. destruct Hb as [Hb | ->]; [| lra].
  destruct (MVT_cor2 f f' a x Ha (fun c _ => D1 c)) as (c1 & E1 & C1).
  destruct (MVT_cor2 f f' x b Hb (fun c _ => D1 c)) as (c2 & E2 & C2).
  destruct (MVT_cor2 f' f'' c1 c2 ltac:(lra) (fun c _ => D2 c)) as (c3 & E3 & _).
  assert (f' c1 <= f' c2) by (specialize (P c3); nra).
  assert (f' c1 * ((x - a) * (b - x)) <= f' c2 * ((x - a) * (b - x))) by (apply Rmult_le_compat_r; [apply Rmult_le_pos; lra | assumption]).
  assert (G1 : (f x - f a) * (b - x) = f' c1 * ((x - a) * (b - x))) by (rewrite E1; ring).
  assert (G2 : (f b - f x) * (x - a) = f' c2 * ((x - a) * (b - x))) by (rewrite E2; ring).
  lra.
Qed.

Lemma sigmoid_chord : forall sign a b x, sign = 1 \/ sign = -1 -> a <= x <= b ->
  sign * (sigmoid x * (b - a) - (sigmoid a * (b - x) + sigmoid b * (x - a))) <= 963 / 20000 * ((b - a) * ((x - a) * (b - x))).
Proof.
  intros sign a b x Hs Hx. set (m := 963 / 10000).
  assert (H := below_chord (fun t => sign * sigmoid t + m / 2 * (t * t)) (fun t => sign * (sigmoid t * (1 - sigmoid t)) + m * t)
    (fun t => sign * (sigmoid t * (1 - sigmoid t) * (1 - 2 * sigmoid t)) + m) a b x).
  cbv beta in H. unfold m in *.
  assert (G : (sign * sigmoid x + 963 / 10000 / 2 * (x * x)) * (b - a) <=
    (sign * sigmoid a + 963 / 10000 / 2 * (a * a)) * (b - x) + (sign * sigmoid b + 963 / 10000 / 2 * (b * b)) * (x - a)).
  { apply H; auto.
    - intros t. apply (derivable_pt_lim_plus (mult_real_fct sign sigmoid) (mult_real_fct (963 / 10000 / 2) (id * id)%F)).
      + apply derivable_pt_lim_scal, sigmoid_derivative.
      + replace (963 / 10000 * t) with (963 / 10000 / 2 * (1 * id t + id t * 1)) by (unfold id; field).
        apply derivable_pt_lim_scal, derivable_pt_lim_mult; apply derivable_pt_lim_id.
    - intros t. apply (derivable_pt_lim_plus (mult_real_fct sign (fun t => sigmoid t * (1 - sigmoid t))) (mult_real_fct (963 / 10000) id)).
      + apply derivable_pt_lim_scal, sigmoid_second_derivative.
      + replace (963 / 10000) with (963 / 10000 * 1) at 2 by ring. apply derivable_pt_lim_scal, derivable_pt_lim_id.
    - intros t. pose proof (curvature t) as C. apply Rabs_le_inv in C. destruct Hs as [-> | ->]; lra. }
  nra.
Qed.

(* Between two points a step apart *)
Theorem interpolation : forall a b x v w, a <= x <= b -> let h := b - a in
  (v <= sigmoid a -> w <= sigmoid b -> v * (b - x) + w * (x - a) <= (sigmoid x + h * h * (963 / 80000)) * h) /\
  (sigmoid a <= v -> sigmoid b <= w -> (sigmoid x - h * h * (963 / 80000)) * h <= v * (b - x) + w * (x - a)).
Proof.
  intros a b x v w Hx. cbv zeta. pose proof (sigmoid_chord 1 a b x ltac:(now left) Hx). pose proof (sigmoid_chord (-1) a b x ltac:(now right) Hx).
  assert (Hh : (b - a) * ((x - a) * (b - x)) <= (b - a) * ((b - a) * (b - a) / 4)).
  { apply Rmult_le_compat_l; [lra |]. pose proof (Rle_0_sqr ((x - a) - (b - x))). unfold Rsqr in *. lra. }
  split; intros Hv Hw.
  - assert (v * (b - x) <= sigmoid a * (b - x)) by (apply Rmult_le_compat_r; lra).
    assert (w * (x - a) <= sigmoid b * (x - a)) by (apply Rmult_le_compat_r; lra). lra.
  - assert (sigmoid a * (b - x) <= v * (b - x)) by (apply Rmult_le_compat_r; lra).
    assert (sigmoid b * (x - a) <= w * (x - a)) by (apply Rmult_le_compat_r; lra). lra.
Qed.
