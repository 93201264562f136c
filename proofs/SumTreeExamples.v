(* Real evaluation orders are executions, and a false result is not: the sum
   1 + 2^-24 + 2^-24 from the left gives 1, the small ones first give 1 + 2^-23, and
   1 + 2^-20 is nothing that a covered evaluation returns. *)
From Flocq Require Import Core.
From Coq Require Import Reals List ZArith Lra Lia Permutation.
From AxiomProofs Require Import Lists SumTrees.
Import ListNotations.
Local Open Scope R_scope.

Definition three : list leaf := [Addend 1; Addend u32; Addend u32].

Lemma nearest32_tie : nearest32 (1 + u32) = 1.
Proof.
  unfold nearest32, round, scaled_mantissa, cexp.
  rewrite (mag_unique radix2 (1 + u32) 1).
  2:{ rewrite Rabs_pos_eq; rewrite u32_value; simpl; lra. }
  replace (FLT_exp (-149) 24 1) with (-23)%Z by reflexivity.
  assert (H : (1 + u32) * bpow radix2 (- (-23)) = IZR 8388608 + / 2) by (rewrite u32_value; simpl; lra).
  rewrite H. unfold Znearest. rewrite (Zfloor_imp 8388608) by (rewrite plus_IZR; simpl; lra).
  replace (IZR 8388608 + / 2 - IZR 8388608) with (/ 2) by ring. rewrite Rcompare_Eq by reflexivity.
  replace (negb (Z.even 8388608)) with false by reflexivity.
  unfold F2R. simpl. lra.
Qed.

Lemma nearest32_binary32 : forall x, binary32 x -> nearest32 x = x.
Proof. intros. now apply round_generic; [typeclasses eauto |]. Qed.

Lemma binary32_scaled : forall m e, (Z.abs m < 2 ^ 24)%Z -> (-149 <= e)%Z -> binary32 (IZR m * bpow radix2 e).
Proof. intros m e Hm He. apply generic_format_FLT. exists (Float radix2 m e); auto. Qed.

Lemma stored : forall x, passes x (Some (nearest32 x)).
Proof. intros. eapply passes_more; [apply passes_exact | apply step_store]. Qed.

(* (1 + 2^-24) + 2^-24, every operation in binary32 *)
Example from_the_left : evaluates three (Some 1).
Proof.
  change three with ([Addend 1; Addend u32] ++ [Addend u32]).
  apply evaluates_sum with (a := 1) (b := u32).
  - change [Addend 1; Addend u32] with ([Addend 1] ++ [Addend u32]).
    apply evaluates_sum with (a := 1) (b := u32); try (apply evaluates_addend, passes_exact).
    rewrite <- nearest32_tie at 2. apply stored.
  - apply evaluates_addend, passes_exact.
  - rewrite <- nearest32_tie at 2. apply stored.
Qed.

(* 1 + (2^-24 + 2^-24) *)
Example small_ones_first : evaluates three (Some (1 + 2 * u32)).
Proof.
  change three with ([Addend 1] ++ [Addend u32; Addend u32]).
  apply evaluates_sum with (a := 1) (b := 2 * u32).
  - apply evaluates_addend, passes_exact.
  - change [Addend u32; Addend u32] with ([Addend u32] ++ [Addend u32]).
    apply evaluates_sum with (a := u32) (b := u32); try (apply evaluates_addend, passes_exact).
    replace (2 * u32) with (nearest32 (u32 + u32)); [apply stored |].
    rewrite nearest32_binary32; [ring |]. replace (u32 + u32) with (IZR 1 * bpow radix2 (-23)) by (rewrite u32_value; simpl; lra).
    apply binary32_scaled; [reflexivity | discriminate].
  - replace (1 + 2 * u32) with (nearest32 (1 + 2 * u32)) at 2; [apply stored |].
    apply nearest32_binary32. replace (1 + 2 * u32) with (IZR 8388609 * bpow radix2 (-23)) by (rewrite u32_value; simpl; lra).
    apply binary32_scaled; [reflexivity | discriminate].
Qed.

(* 2^-20 too much *)
Example a_false_result : ~ evaluates three (Some (1 + 16 * u32)).
Proof.
  intros H. apply evaluation_error in H; [| simpl; lra]. revert H.
  unfold cluster_error, value, magnitude, operands, sum, gamma. cbn [fold_right length three leaf_value leaf_size leaf_operands].
  assert (He : eta <= u32 * u32) by (unfold eta, u32; rewrite <- bpow_plus; apply bpow_le; discriminate).
  replace (INR 3) with 3 by (simpl; ring). rewrite u32_value in *.
  rewrite !(Rabs_pos_eq 1), !(Rabs_pos_eq (/ 16777216)) by lra. rewrite Rabs_pos_eq by lra. lra.
Qed.
