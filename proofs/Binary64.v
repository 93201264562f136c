(* Primitive floats as reals: V is the value of a finite float, and each operation
   with a finite result is the rounded exact operation on finite operands. So one
   test that the last number of a computation is finite covers all before it.

   Relies on Flocq's IEEE754.PrimFloat, which ties primitive floats to their
   specification (the axioms of Coq.Floats.FloatAxioms). *)
From Flocq Require Import Core Relative BinarySingleNaN.
From Flocq Require Import IEEE754.PrimFloat.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
Local Open Scope R_scope.

Notation p2 := (bpow radix2).
Notation F64 := (FLT_exp (-1074) 53).

Definition V (x : float) : R := B2R (Prim2B x).
Definition fin (x : float) : Prop := BinarySingleNaN.is_finite (Prim2B x) = true.
Definition rnd : R -> R := round radix2 F64 ZnearestE.

(* d is the relative error of one rounding (U = 2 d), w its error below the normal range. *)
Definition d : R := / 9007199254740992.
Definition w : R := p2 (-1075).
Definition tauR : R := p2 (-990).

Lemma w_positive : 0 < w. Proof. apply bpow_gt_0. Qed.
Lemma w_bpow : forall e, (-1075 <= e)%Z -> w <= p2 e. Proof. intros. now apply bpow_le. Qed.
Lemma tau_w : tauR = 38685626227668133590597632 * w.
Proof. unfold tauR, w. replace (-990)%Z with (85 + -1075)%Z by lia. rewrite bpow_plus. simpl. lra. Qed.
Lemma half_least : / 2 * p2 (-1074) = w.
Proof. unfold w. replace (-1074)%Z with (1 + -1075)%Z by lia. rewrite bpow_plus. simpl (p2 1). lra. Qed.
Lemma d_value : d = p2 (-53). Proof. reflexivity. Qed.
Global Opaque w tauR.

Global Instance valid64 : Valid_exp F64. Proof. apply FLT_exp_valid. reflexivity. Qed.

(* ---- Rounding *)

Lemma rnd_error : forall x, Rabs (rnd x - x) <= d * Rabs x + w.
Proof.
  intros x.
  destruct (error_N_FLT radix2 (-1074) 53 ltac:(lia) (fun x => negb (Z.even x)) x) as (e & h & He & Hh & _ & H).
  unfold rnd. rewrite H. replace (x * (1 + e) + h - x) with (e * x + h) by ring.
  eapply Rle_trans; [apply Rabs_triang |]. rewrite Rabs_mult.
  replace (/ 2 * p2 (- (53) + 1)) with d in He by (unfold d; simpl; lra).
  rewrite half_least in Hh.
  pose proof (Rabs_pos x). nra.
Qed.

Lemma format_V : forall x, generic_format radix2 F64 (V x).
Proof. intros. apply (generic_format_B2R 53 1024). Qed.

Lemma rnd_sum_error : forall x y, generic_format radix2 F64 x -> generic_format radix2 F64 y ->
  Rabs (rnd (x + y) - (x + y)) <= d * Rabs (x + y) /\ Rabs (rnd (x + y) - (x + y)) <= d * Rabs (rnd (x + y)).
Proof.
  intros x y Hx Hy.
  assert (exists m, x + y = F2R (Float radix2 m (-1074))) as (m & Hm).
  { apply generic_format_FIX_FLT in Hx. apply generic_format_FIX_FLT in Hy.
    apply FIX_format_generic in Hx. apply FIX_format_generic in Hy.
    destruct Hx as [[mx ex] -> Ex]. destruct Hy as [[my ey] -> Ey]. simpl in Ex, Ey. subst.
    exists (mx + my)%Z. unfold F2R; simpl Fnum; simpl Fexp. rewrite plus_IZR. ring. }
  rewrite Hm. replace d with (/ 2 * p2 (- (53) + 1)) by (unfold d; simpl; lra). split.
  - apply (relative_error_N_FLT_F2R_emin radix2 (-1074) 53 ltac:(lia) (fun x => negb (Z.even x))).
  - apply (relative_error_N_FLT_round_F2R_emin radix2 (-1074) 53 ltac:(lia) (fun x => negb (Z.even x))).
Qed.

Lemma rnd_le : forall x y, x <= y -> rnd x <= rnd y.
Proof. intros. apply round_le; auto with typeclass_instances. Qed.

Lemma rnd_V : forall x, rnd (V x) = V x.
Proof. intros. apply round_generic; [typeclasses eauto | apply format_V]. Qed.

Lemma rnd_0 : rnd 0 = 0. Proof. apply round_0. typeclasses eauto. Qed.

(* ---- Operations *)

Lemma finite_is_finite : forall x, PrimFloat.is_finite x = true -> fin x.
Proof. intros x H. unfold fin. now rewrite <- is_finite_equiv. Qed.

Lemma add_fin : forall x y, fin (x + y)%float -> fin x /\ fin y /\ V (x + y)%float = rnd (V x + V y).
Proof.
  intros x y. unfold fin, V. rewrite add_equiv. intros H.
  assert (Hx : BinarySingleNaN.is_finite (Prim2B x) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; try destruct (Bool.eqb _ _); easy).
  assert (Hy : BinarySingleNaN.is_finite (Prim2B y) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; try destruct (Bool.eqb _ _); easy).
  split; [exact Hx | split; [exact Hy |]].
  generalize (Bplus_correct prec emax Hprec Hmax mode_NE _ _ Hx Hy).
  destruct Rlt_bool; [now intros [-> _] |].
  intros [Ho _]. rewrite <- is_finite_SF_B2SF, Ho in H. now destruct (Bsign (Prim2B x)).
Qed.

Lemma opp_fin : forall x, fin (- x)%float <-> fin x.
Proof. intros x. unfold fin. rewrite opp_equiv, is_finite_Bopp. reflexivity. Qed.
Lemma opp_V : forall x, V (- x)%float = - V x.
Proof. intros x. unfold V. rewrite opp_equiv. apply B2R_Bopp. Qed.
Lemma abs_fin : forall x, fin (abs x) <-> fin x.
Proof. intros x. unfold fin. rewrite abs_equiv, is_finite_Babs. reflexivity. Qed.
Lemma abs_V : forall x, V (abs x) = Rabs (V x).
Proof. intros x. unfold V. rewrite abs_equiv. apply B2R_Babs. Qed.

Lemma sub_fin : forall x y, fin (x - y)%float -> fin x /\ fin y /\ V (x - y)%float = rnd (V x - V y).
Proof.
  intros x y. unfold fin, V. rewrite sub_equiv. intros H.
  assert (Hx : BinarySingleNaN.is_finite (Prim2B x) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; try destruct (Bool.eqb _ _); easy).
  assert (Hy : BinarySingleNaN.is_finite (Prim2B y) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; try destruct (Bool.eqb _ _); easy).
  split; [exact Hx | split; [exact Hy |]].
  generalize (Bminus_correct prec emax Hprec Hmax mode_NE _ _ Hx Hy).
  destruct Rlt_bool; [now intros [-> _] |].
  intros [Ho _]. rewrite <- is_finite_SF_B2SF, Ho in H. now destruct (Bsign (Prim2B x)).
Qed.

Lemma mul_fin : forall x y, fin (x * y)%float -> fin x /\ fin y /\ V (x * y)%float = rnd (V x * V y).
Proof.
  intros x y. unfold fin, V. rewrite mul_equiv. intros H.
  assert (Hx : BinarySingleNaN.is_finite (Prim2B x) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; easy).
  assert (Hy : BinarySingleNaN.is_finite (Prim2B y) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; easy).
  split; [exact Hx | split; [exact Hy |]].
  generalize (Bmult_correct prec emax Hprec Hmax mode_NE (Prim2B x) (Prim2B y)).
  destruct Rlt_bool; [now intros [-> _] |].
  intros Ho. rewrite <- is_finite_SF_B2SF, Ho in H. now destruct (xorb _ _).
Qed.

Lemma div_fin : forall x y, fin (x / y)%float -> fin y ->
  fin x /\ V y <> 0 /\ V (x / y)%float = rnd (V x / V y).
Proof.
  intros x y. unfold fin, V. rewrite div_equiv. intros H Hy.
  assert (Hx : BinarySingleNaN.is_finite (Prim2B x) = true) by (destruct (Prim2B x), (Prim2B y); simpl in *; easy).
  assert (Hz : B2R (Prim2B y) <> 0).
  { destruct (Prim2B y) as [s | s | | s m e He]; try easy.
    - exfalso. destruct (Prim2B x); simpl in H; easy.
    - simpl. apply F2R_neq_0. simpl. now destruct s. }
  split; [exact Hx | split; [exact Hz |]].
  generalize (Bdiv_correct prec emax Hprec Hmax mode_NE (Prim2B x) (Prim2B y) Hz).
  destruct Rlt_bool; [now intros [-> _] |].
  intros Ho. rewrite <- is_finite_SF_B2SF, Ho in H. now destruct (xorb _ _).
Qed.

(* ---- Comparisons *)

Lemma ltb_V : forall x y, fin x -> fin y -> (x <? y)%float = true <-> V x < V y.
Proof.
  intros x y Hx Hy. rewrite ltb_equiv. unfold V. rewrite Bltb_correct by assumption.
  destruct (Rlt_bool_spec (B2R (Prim2B x)) (B2R (Prim2B y))); split; intros; try easy; lra.
Qed.
Lemma leb_V : forall x y, fin x -> fin y -> (x <=? y)%float = true <-> V x <= V y.
Proof.
  intros x y Hx Hy. rewrite leb_equiv. unfold V. rewrite Bleb_correct by assumption.
  destruct (Rle_bool_spec (B2R (Prim2B x)) (B2R (Prim2B y))); split; intros; try easy; lra.
Qed.
Lemma eqb_V : forall x y, fin x -> fin y -> (x =? y)%float = true <-> V x = V y.
Proof.
  intros x y Hx Hy. rewrite eqb_equiv. unfold V. rewrite Beqb_correct by assumption.
  destruct (Req_bool_spec (B2R (Prim2B x)) (B2R (Prim2B y))); split; intros; try easy; lra.
Qed.

Lemma ltb_false : forall a b, fin a -> fin b -> (a <? b)%float = false -> V b <= V a.
Proof. intros a b Ha Hb H. apply Rnot_lt_le. intros Hlt. apply ltb_V in Hlt; auto. congruence. Qed.
Lemma leb_false : forall a b, fin a -> fin b -> (a <=? b)%float = false -> V b < V a.
Proof. intros a b Ha Hb H. apply Rnot_le_lt. intros Hlt. apply leb_V in Hlt; auto. congruence. Qed.

(* A number compared with 0 and found equal is a zero. *)
Lemma eqb_zero : forall x, (x =? 0)%float = true -> fin x /\ V x = 0.
Proof.
  intros x H. rewrite eqb_equiv in H. change 0%float with zero in H. rewrite zero_equiv, Prim2B_B2Prim in H.
  unfold fin, V.
  destruct (Prim2B x) as [s | s | | s m e He]; [now split | destruct s; discriminate H | discriminate H | destruct s; discriminate H].
Qed.

(* |x| <= y with y finite makes x finite. *)
Lemma abs_leb_fin : forall x y, fin y -> (abs x <=? y)%float = true -> fin x.
Proof.
  intros x y Hy H. apply abs_fin. rewrite leb_equiv in H. unfold fin in *.
  rewrite abs_equiv in *. destruct (Prim2B x); try reflexivity;
    destruct (Prim2B y); try discriminate Hy; discriminate H.
Qed.

(* ---- Literals *)

Lemma V_SF2R : forall x, V x = SF2R radix2 (Prim2SF x).
Proof. intros. unfold V, Prim2B. now rewrite B2R_SF2B. Qed.

Lemma fin_SF : forall x, fin x <-> is_finite_SF (Prim2SF x) = true.
Proof. intros. unfold fin, Prim2B. now rewrite is_finite_SF2B. Qed.

Ltac literal_fin := apply finite_is_finite; vm_compute; reflexivity.
Ltac literal_V x := rewrite V_SF2R; let s := eval vm_compute in (Prim2SF x) in change (Prim2SF x) with s; unfold SF2R, F2R, cond_Zopp; simpl Fnum; simpl Fexp.

Lemma V_0 : V 0 = 0. Proof. literal_V 0%float. reflexivity. Qed.
Lemma V_1 : V 1 = 1. Proof. literal_V 1%float. simpl. lra. Qed.
Lemma fin_0 : fin 0. Proof. literal_fin. Qed.
Lemma fin_1 : fin 1. Proof. literal_fin. Qed.

(* ---- Operations with their error *)

Lemma add_V : forall x y, fin (x + y)%float -> fin x /\ fin y /\
  Rabs (V (x + y)%float - (V x + V y)) <= d * Rabs (V x + V y) /\
  Rabs (V (x + y)%float - (V x + V y)) <= d * Rabs (V (x + y)%float).
Proof.
  intros x y H. destruct (add_fin _ _ H) as (Hx & Hy & ->). split; [exact Hx |]. split; [exact Hy |].
  apply rnd_sum_error; apply format_V.
Qed.

Lemma sub_V : forall x y, fin (x - y)%float -> fin x /\ fin y /\
  Rabs (V (x - y)%float - (V x - V y)) <= d * Rabs (V x - V y) /\
  Rabs (V (x - y)%float - (V x - V y)) <= d * Rabs (V (x - y)%float).
Proof.
  intros x y H. destruct (sub_fin _ _ H) as (Hx & Hy & ->). split; [exact Hx |]. split; [exact Hy |].
  apply (rnd_sum_error (V x) (- V y)); [apply format_V | apply generic_format_opp, format_V].
Qed.

Lemma mul_V : forall x y, fin (x * y)%float -> fin x /\ fin y /\
  Rabs (V (x * y)%float - V x * V y) <= d * Rabs (V x * V y) + w.
Proof.
  intros x y H. destruct (mul_fin _ _ H) as (Hx & Hy & ->). split; [exact Hx |]. split; [exact Hy |].
  apply rnd_error.
Qed.

Lemma add_sign : forall x y, fin (x + y)%float -> 0 <= V x -> 0 <= V y -> 0 <= V (x + y)%float.
Proof. intros x y H Hx Hy. destruct (add_fin _ _ H) as (_ & _ & ->). rewrite <- rnd_0. apply rnd_le. lra. Qed.

Lemma mul_sign : forall x y, fin (x * y)%float -> 0 <= V x -> 0 <= V y -> 0 <= V (x * y)%float.
Proof. intros x y H Hx Hy. destruct (mul_fin _ _ H) as (_ & _ & ->). rewrite <- rnd_0. apply rnd_le. now apply Rmult_le_pos. Qed.

(* ---- Integers as floats *)

Definition float_of_nat (n : nat) : float := of_uint63 (of_Z (Z.of_nat n)).

Lemma float_of_nat_V : forall n, (Z.of_nat n <= 2 ^ 53)%Z -> fin (float_of_nat n) /\ V (float_of_nat n) = INR n.
Proof.
  intros n Hn. unfold float_of_nat, fin, V. rewrite of_int63_equiv.
  assert (Hz : to_Z (of_Z (Z.of_nat n)) = Z.of_nat n).
  { rewrite of_Z_spec. apply Z.mod_small. split; [lia |]. change wB with (2 ^ 63)%Z. lia. }
  rewrite Hz.
  generalize (binary_normalize_correct prec emax Hprec Hmax mode_NE (Z.of_nat n) 0 false). cbv zeta.
  assert (Hf : generic_format radix2 F64 (IZR (Z.of_nat n))).
  { destruct (Z_le_lt_eq_dec _ _ Hn) as [Hlt | He].
    - apply generic_format_FLT. exists (Float radix2 (Z.of_nat n) 0).
      + unfold F2R. simpl. ring.
      + simpl. rewrite Z.abs_eq by lia. exact Hlt.
      + simpl. lia.
    - rewrite He. change (IZR (2 ^ 53)) with (p2 53). apply generic_format_bpow. unfold FLT_exp. lia. }
  replace (F2R (Float radix2 (Z.of_nat n) 0)) with (IZR (Z.of_nat n)) by (unfold F2R; simpl; ring).
  change (SpecFloat.fexp 53 1024) with F64.
  rewrite round_generic by (typeclasses eauto || exact Hf).
  rewrite Rlt_bool_true.
  - intros (-> & -> & _). now rewrite INR_IZR_INZ.
  - rewrite <- abs_IZR, Z.abs_eq by lia. eapply Rle_lt_trans; [apply IZR_le, Hn |].
    change (IZR (2 ^ 53)) with (p2 53). apply bpow_lt. reflexivity.
Qed.
