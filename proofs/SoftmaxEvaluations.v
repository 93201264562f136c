(* Every evaluation of a softmax is inside the float32 relation of its operator
   (spec/operators.md section 5): no entry is negative, and the entries of a group sum
   to 1 up to gamma (n + 8).

   The relation is coarse on purpose: it holds whatever exp computes. The exponentials
   e_i are any numbers in [0, 2] of which one is 1/2 or more; their sum s is evaluated by
   any tree of SumTrees; an entry is the rounded quotient e_i / s or the product of e_i
   with the rounded reciprocal of s. The roundings of the sum are counted against its
   result, S <= (1 + u)^n s: dividing by the bound S (1 - gamma n) would give more than
   gamma (n + 8) for groups of some ten thousand.

   Relies on SumTrees. *)
From Coq Require Import Reals List Permutation ZArith Lra Lia Psatz.
From Flocq Require Import Core.
From AxiomProofs Require Import Lists SumTrees.
Import ListNotations.
Local Open Scope R_scope.

(* One entry; None is an infinity or not a number. *)
Inductive quotient (s e : R) : option R -> Prop :=
  | quotient_divided : forall s' e' r, operand s s' -> operand e e' -> s' <> 0 ->
      passes (e' / s') r -> quotient s e r
  | quotient_scaled : forall s' e' i i' r, operand s s' -> s' <> 0 -> passes (/ s') (Some i) ->
      operand i i' -> operand e e' -> passes (e' * i') r -> quotient s e r
  | quotient_infinite : forall s', operand s s' -> s' = 0 \/ passes (/ s') None -> quotient s e None.

Inductive softmax_evaluates (es : list R) : list (option R) -> Prop :=
  | softmax_evaluates_sum : forall s os, evaluates (map Addend es) (Some s) ->
      Forall2 (quotient s) es os -> softmax_evaluates es os
  | softmax_evaluates_failed : evaluates (map Addend es) None ->
      softmax_evaluates es (map (fun _ => None) es).

Definition covered_exponentials (es : list R) : Prop :=
  Forall (fun e => 0 <= e <= 2) es /\ Exists (fun e => / 2 <= e) es.

(* ---- One step, from below *)

(* The exact result relative to the rounded one. *)
Definition Dinv : R := u32 + 4 * (u32 * u32).

Lemma B_bounds : D <= Dinv <= / 16777210.
Proof. unfold Dinv, D. rewrite u32_value. lra. Qed.

Lemma eta_tiny : eta <= u32 * u32 * u32 * u32 * u32.
Proof. unfold eta. rewrite u32_value. simpl. lra. Qed.

Lemma nearest32_nonnegative : forall c, 0 <= c -> 0 <= nearest32 c.
Proof.
  intros c Hc. unfold nearest32. rewrite <- (round_0 radix2 F32 ZnearestE). apply round_le; auto with typeclass_instances.
Qed.

Lemma within48_nonnegative : forall v c, 0 <= v -> within48 v c -> 0 <= c.
Proof.
  intros v c Hv [Hl _]. eapply Rle_trans; [| exact Hl].
  rewrite <- (round_0 radix2 F48 Zfloor). apply round_le; auto with typeclass_instances.
Qed.

Lemma passes_below : forall v r, 0 <= v -> passes v (Some r) -> 0 <= r /\ v <= (1 + Dinv) * (r + eta).
Proof.
  intros v r Hv H. pose proof eta_positive. pose proof B_bounds as (_ & HB).
  assert (HB0 : 0 < Dinv) by (unfold Dinv; rewrite u32_value; lra).
  assert (Hsmall : p2 (-149) + p2 (-149) + p2 (-150) <= eta) by (unfold eta; simpl; lra).
  assert (H149 : 0 < p2 (-149)) by apply bpow_gt_0. assert (H150 : 0 < p2 (-150)) by apply bpow_gt_0.
  destruct (passes_cases v _ H r eq_refl) as [[Hs ->] | [Hw | (c & Hw & ->)]].
  - rewrite Rabs_pos_eq in Hs by exact Hv. split; [lra | nra].
  - pose proof (within48_nonnegative _ _ Hv Hw). pose proof (within48_error _ _ Hw) as E. apply Rabs_le_inv in E.
    rewrite (Rabs_pos_eq v) in E by exact Hv. split; [assumption |]. unfold Dinv. rewrite u32_value in *. lra.
  - pose proof (within48_nonnegative _ _ Hv Hw) as Hc. pose proof (within48_error _ _ Hw) as E. apply Rabs_le_inv in E.
    rewrite (Rabs_pos_eq v) in E by exact Hv. pose proof (nearest32_nonnegative c Hc) as Hr. split; [exact Hr |].
    pose proof (nearest32_error c) as F. apply Rabs_le_inv in F. rewrite (Rabs_pos_eq c) in F by exact Hc.
    set (r := nearest32 c) in *.
    assert (Hcr : c <= (1 + u32) * (r + p2 (-150))).
    { assert (c - u32 / (1 + u32) * c <= r + p2 (-150)) by lra.
      replace c with ((1 + u32) * (c - u32 / (1 + u32) * c)) by (field; rewrite u32_value; lra).
      apply Rmult_le_compat_l; [rewrite u32_value; lra | assumption]. }
    unfold Dinv. rewrite u32_value in *. lra.
Qed.

(* ---- The sum, from below *)

Definition positive_leaf (t : leaf) : Prop := match t with Product _ _ => False | Addend b => 0 <= b end.

Definition above (l : list leaf) (r : R) : Prop :=
  0 <= r /\ (l = [] /\ r = 0 \/
    l <> [] /\ exists v, 0 <= v /\ passes v (Some r) /\
      value l <= (1 + Dinv) ^ Nat.pred (length l) * (v + eta * (2 * INR (length l) - 2))).

Lemma power_B : forall k, 1 <= (1 + Dinv) ^ k.
Proof. intros k. apply pow_R1_Rle. unfold Dinv. rewrite u32_value. lra. Qed.

Lemma above_value : forall l r, l <> [] -> above l r -> value l <= (1 + Dinv) ^ length l * (r + eta * (2 * INR (length l) - 1)).
Proof.
  intros l r Hl (Hr & [[Hn _] | (_ & v & Hv & Hp & H)]); [contradiction |].
  destruct (passes_below v r Hv Hp) as (_ & Hb). pose proof eta_positive. pose proof (power_B (Nat.pred (length l))).
  pose proof (le_INR _ _ (length_nonempty l Hl)) as Hone. cbn [INR] in Hone.
  eapply Rle_trans; [exact H |].
  replace ((1 + Dinv) ^ length l) with ((1 + Dinv) ^ Nat.pred (length l) * (1 + Dinv)).
  2:{ destruct l; [contradiction |]. cbn [length Nat.pred pow]. ring. }
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [lra |].
  assert (HB : 0 < Dinv) by (unfold Dinv; rewrite u32_value; lra).
  assert (0 <= eta * (2 * INR (length l) - 2)) by (apply Rmult_le_pos; lra).
  assert (0 <= Dinv * (eta * (2 * INR (length l) - 2))) by (apply Rmult_le_pos; lra).
  lra.
Qed.

Lemma power_B_le : forall j k, (j <= k)%nat -> (1 + Dinv) ^ j <= (1 + Dinv) ^ k.
Proof. intros. apply Rle_pow; [unfold Dinv; rewrite u32_value; lra | assumption]. Qed.

Lemma above_sum : forall l m a b, l <> [] -> m <> [] -> above l a -> above m b ->
  value (l ++ m) <= (1 + Dinv) ^ Nat.pred (length (l ++ m)) * (a + b + eta * (2 * INR (length (l ++ m)) - 2)).
Proof.
  intros l m a b Hl Hm Ha Hb. pose proof (above_value _ _ Hl Ha) as E. pose proof (above_value _ _ Hm Hb) as F.
  pose proof (length_nonempty l Hl) as Ll. pose proof (length_nonempty m Hm) as Lm.
  pose proof (le_INR _ _ Ll) as Il. pose proof (le_INR _ _ Lm) as Im. cbn [INR] in Il, Im.
  unfold value in *. rewrite sum_app, app_length, plus_INR. pose proof eta_positive.
  destruct Ha as (Ha & _). destruct Hb as (Hb & _).
  assert (X : 0 <= a + eta * (2 * INR (length l) - 1)) by (apply Rplus_le_le_0_compat; [| apply Rmult_le_pos]; lra).
  assert (Y : 0 <= b + eta * (2 * INR (length m) - 1)) by (apply Rplus_le_le_0_compat; [| apply Rmult_le_pos]; lra).
  pose proof (power_B_le (length l) (Nat.pred (length l + length m)) ltac:(lia)) as P.
  pose proof (power_B_le (length m) (Nat.pred (length l + length m)) ltac:(lia)) as Q.
  set (q := (1 + Dinv) ^ Nat.pred (length l + length m)) in *.
  apply (Rmult_le_compat_r _ _ _ X) in P. apply (Rmult_le_compat_r _ _ _ Y) in Q.
  replace (q * (a + b + eta * (2 * (INR (length l) + INR (length m)) - 2)))
    with (q * (a + eta * (2 * INR (length l) - 1)) + q * (b + eta * (2 * INR (length m) - 1))) by ring.
  lra.
Qed.

Lemma evaluates_above : forall l o, evaluates l o -> Forall positive_leaf l -> forall r, o = Some r -> above l r.
Proof.
  induction 1; intros Hf r0 Hr; try discriminate.
  - injection Hr as <-. split; [lra | now left].
  - subst. inversion Hf as [| ? ? Hb _]; subst. cbn in Hb. destruct (passes_below b r0 Hb H) as (Pr & _).
    split; [exact Pr |]. right. split; [easy |]. exists b. split; [exact Hb |]. split; [exact H |].
    unfold value, sum. cbn. lra.
  - inversion Hf as [| ? ? Hb _]; subst. contradiction Hb.
  - subst. apply Forall_app in Hf. destruct Hf as (F1 & F2).
    specialize (IHevaluates1 F1 a eq_refl). specialize (IHevaluates2 F2 b eq_refl).
    pose proof IHevaluates1 as (Pa & Ca). pose proof IHevaluates2 as (Pb & Cb).
    destruct (passes_below (a + b) r0 ltac:(lra) H1) as (Pr & _). split; [exact Pr |].
    destruct Ca as [[-> ->] | (Hl & va & Hva & Hpa & Ea)]; destruct Cb as [[-> ->] | (Hm & vb & Hvb & Hpb & Eb)].
    + left. split; [reflexivity |]. rewrite Rplus_0_l in H1. apply passes_zero in H1. congruence.
    + right. split; [exact Hm |]. exists vb. split; [exact Hvb |]. split; [| exact Eb].
      rewrite Rplus_0_l in H1. eapply passes_trans; eauto.
    + right. rewrite app_nil_r. split; [exact Hl |]. exists va. split; [exact Hva |]. split; [| exact Ea].
      rewrite Rplus_0_r in H1. eapply passes_trans; eauto.
    + right. split; [intros E; apply app_eq_nil in E; tauto |]. exists (a + b). split; [lra |]. split; [exact H1 |].
      now apply above_sum.
  - inversion Hf as [| ? ? Hb _]; subst. contradiction Hb.
  - assert (F : Forall positive_leaf l) by (eapply Permutation_Forall; [apply Permutation_sym; exact H | exact Hf]).
    specialize (IHevaluates F r0 Hr). destruct IHevaluates as (P & [[-> ->] | (Hl & v & Hv & Hp & E)]).
    + apply Permutation_nil in H. subst. split; [lra | now left].
    + split; [exact P |]. right. split.
      * intros ->. apply Permutation_sym, Permutation_nil in H. now subst.
      * exists v. split; [exact Hv |]. split; [exact Hp |]. unfold value in *.
        now rewrite <- (Permutation_length H), <- (sum_permutation _ _ _ _ H).
Qed.

(* ---- The sum of covered exponentials *)

Section Group.
  Variable es : list R.
  Hypothesis few : INR (length es) <= 1048576.
  Hypothesis covered : covered_exponentials es.
  Let n := INR (length es).
  Let S := sum (fun e => e) es.
  Let l := map Addend es.

  Lemma exponential_sum : / 2 <= S <= 2 * n /\ 1 <= n.
  Proof.
    destruct covered as (Hall & Hone). rewrite Forall_forall in Hall. apply Exists_exists in Hone. destruct Hone as (e & He & Hh).
    assert (H1 : e <= S).
    { unfold S. apply (sum_in_le _ (fun e => e)); [intros b Hb; apply (Hall b Hb) | exact He]. }
    assert (H2 : S <= 2 * n).
    { unfold S, n. rewrite Rmult_comm, <- sum_constant. apply sum_le. intros a Ha. apply (Hall a Ha). }
    split; [lra |]. unfold n. apply (le_INR 1). destruct es; [easy | cbn; lia].
  Qed.

  Lemma leaves_value : value l = S /\ magnitude l = S /\ operands l = 0 /\ length l = length es.
  Proof.
    destruct covered as (Hall & _). rewrite Forall_forall in Hall. unfold value, magnitude, operands, l. rewrite !sum_map, map_length.
    split; [reflexivity |]. split; [| split; [| reflexivity]].
    - apply sum_ext. intros e He. cbn. apply Rabs_pos_eq. apply (Hall e He).
    - cbn [leaf_operands]. apply sum_zero.
  Qed.

  Definition growth : R := (1 + Dinv) ^ length es.

  Lemma growth_bounds : 1 <= growth /\ growth * (1 - n * Dinv) <= 1 /\ n * Dinv <= n * u32 + u32 / 4 /\ n * u32 <= / 16 /\ growth <= 2.
  Proof.
    pose proof few as Hf. fold n in Hf. pose proof exponential_sum as (_ & Hn). unfold growth.
    assert (HB : n * Dinv <= n * u32 + u32 / 4) by (unfold Dinv; rewrite u32_value; lra).
    assert (Hu : n * u32 <= / 16) by (rewrite u32_value; lra).
    assert (Hpow : forall k, (1 + Dinv) ^ k * (1 - INR k * Dinv) <= 1).
    { assert (H0 : 0 < Dinv) by (unfold Dinv; rewrite u32_value; lra).
      induction k as [| k IH]; [simpl; lra |]. rewrite S_INR. simpl. pose proof (power_B k). pose proof (pos_INR k).
      assert (0 <= (1 + Dinv) ^ k * ((INR k + 1) * Dinv * Dinv)) by (repeat apply Rmult_le_pos; lra). nra. }
    specialize (Hpow (length es)). fold n in Hpow. pose proof (power_B (length es)) as H1.
    repeat split; try assumption. rewrite u32_value in *. nra.
  Qed.

  Lemma sum_result : forall s, evaluates l (Some s) ->
    S <= growth * (s + eta * (2 * n)) /\ s <= growth * (S + eta * (2 * n)) /\ / 8 <= s <= 8 * n.
  Proof.
    intros s H. destruct leaves_value as (Hv & Hm & Ho & Hl). destruct exponential_sum as (HS & Hn).
    destruct growth_bounds as (G1 & _ & _ & Hu & G2). pose proof eta_positive as He. pose proof eta_tiny as Ht.
    assert (Hne : l <> []) by (intros E; unfold n in Hn; rewrite <- Hl, E in Hn; cbn in Hn; lra).
    assert (Hf : Forall positive_leaf l).
    { destruct covered as (Hall & _). unfold l. apply Forall_map. eapply Forall_impl; [| exact Hall]. cbn. intros; lra. }
    pose proof (evaluates_above _ _ H Hf _ eq_refl) as Ha. pose proof Ha as (Hs0 & _).
    pose proof (above_value _ _ Hne Ha) as Hlow. rewrite Hv, Hl in Hlow. fold growth n in Hlow.
    pose proof (inside_error _ _ (evaluates_inside _ _ H _ eq_refl) Hne) as Hup.
    unfold grown, before in Hup. rewrite Hv, Hm, Ho, Hl in Hup. fold n in Hup. apply Rabs_le_inv in Hup.
    assert (Hq : 1 <= (1 + D) ^ length es <= growth).
    { split; [apply power_ge_1 |]. unfold growth. apply pow_incr. pose proof D_bounds. pose proof B_bounds. lra. }
    set (q := (1 + D) ^ length es) in *.
    assert (Hen : 0 < eta * n) by (apply Rmult_lt_0_compat; lra).
    assert (Htiny : eta * n <= u32 * u32) by (rewrite u32_value in *; nra).
    assert (A : S <= growth * (s + eta * (2 * n))) by nra.
    assert (C : s <= growth * (S + eta * (2 * n))).
    { apply Rle_trans with (q * (S + eta * (2 * n))); [nra |]. apply Rmult_le_compat_r; lra. }
    split; [exact A |]. split; [exact C |]. rewrite u32_value in *. split; nra.
  Qed.

  Lemma sum_is_finite : ~ evaluates l None.
  Proof.
    intros H. destruct leaves_value as (_ & Hm & Ho & Hl). destruct exponential_sum as (HS & Hn). pose proof few as Hf. fold n in Hf.
    apply (evaluates_does_not_overflow _ _ H); [| reflexivity]. unfold largest. rewrite Hm, Ho, Hl. fold n.
    destruct growth_bounds as (_ & _ & _ & _ & G2).
    assert (Hq : (1 + D) ^ length es <= 2).
    { eapply Rle_trans; [| exact G2]. apply pow_incr. pose proof D_bounds. pose proof B_bounds. lra. }
    pose proof (power_ge_1 (length es)). set (q := (1 + D) ^ length es) in *. pose proof eta_positive. pose proof eta_tiny.
    assert (Htiny : eta * (2 * n + 0) <= 1) by (rewrite u32_value in *; nra).
    assert (0 <= eta * (2 * n + 0)) by (apply Rmult_le_pos; lra).
    apply Rle_lt_trans with (2 * (2 * n + 1)); [apply Rmult_le_compat; lra |].
    unfold overflow32. simpl. lra.
  Qed.

  (* ---- One entry *)

  Lemma quotient_value : forall s e o, evaluates l (Some s) -> 0 <= e <= 2 -> quotient s e o ->
    exists y, o = Some y /\ 0 <= y /\ Rabs (y - e / s) <= (2 * D + D * D) * (e / s) + 40 * eta.
  Proof.
    intros s e o Hev He Hq. destruct (sum_result s Hev) as (_ & _ & Hs). destruct exponential_sum as (_ & Hn).
    pose proof few as Hf. fold n in Hf. pose proof eta_positive as Hp. pose proof eta_tiny as Ht. pose proof D_bounds as HD.
    assert (Hes : eta < / 8) by (rewrite u32_value in Ht; lra).
    assert (Hkept : forall s', operand s s' -> s' = s).
    { intros s' Ho. destruct Ho as [| s H]; [reflexivity |]. rewrite Rabs_pos_eq in H by lra. lra. }
    assert (Hread : forall e', operand e e' -> 0 <= e' <= e /\ e - e' <= eta).
    { intros e' Ho. destruct Ho as [| e H]; [lra |]. rewrite Rabs_pos_eq in H by lra. lra. }
    assert (Hinv : / (8 * n) <= / s <= 8).
    { split; [apply Rinv_le; lra |]. replace 8 with (/ / 8) by field. apply Rinv_le; lra. }
    assert (Hinv' : / 8388608 <= / (8 * n)) by (apply Rinv_le; lra).
    set (i0 := / s) in *.
    assert (Hover : forall v, 0 <= v <= 100 -> ~ passes v None).
    { intros v Hv Ho. apply passes_overflow in Ho. rewrite Rabs_pos_eq in Ho by lra. unfold overflow32 in Ho. simpl in Ho.
      assert ((1 + D) * v <= 2 * 100) by (apply Rmult_le_compat; lra). lra. }
    change (e / s) with (e * i0).
    assert (Hei : 0 <= e * i0 <= 16) by (split; [apply Rmult_le_pos; lra | apply Rle_trans with (2 * 8); [apply Rmult_le_compat; lra | lra]]).
    assert (HDei : 0 <= D * (e * i0)) by (apply Rmult_le_pos; lra).
    assert (HDDei : 0 <= D * (D * (e * i0))) by (apply Rmult_le_pos; lra).
    destruct Hq as [s' e' r Hs' He' _ Hr | s' e' i i' r Hs' _ Hi Hi' He' Hr | s' Hs' Hbad].
    - apply Hkept in Hs'. subst s'. change (e' / s) with (e' * i0) in Hr. destruct (Hread e' He') as (E1 & E2).
      assert (X : 0 <= e' * i0 <= e * i0) by (split; [apply Rmult_le_pos | apply Rmult_le_compat_r]; lra).
      assert (Y : (e - e') * i0 <= eta * 8) by (apply Rmult_le_compat; lra).
      destruct r as [y |]; [| exfalso; eapply Hover; [| exact Hr]; lra].
      exists y. split; [reflexivity |]. destruct (passes_below _ _ (proj1 X) Hr) as (Y0 & _). split; [exact Y0 |].
      pose proof (passes_error _ _ Hr) as E. rewrite (Rabs_pos_eq (e' * i0)) in E by lra. apply Rabs_le_inv in E.
      assert (D * (e' * i0) <= D * (e * i0)) by (apply Rmult_le_compat_l; lra).
      apply Rabs_le. lra.
    - apply Hkept in Hs'. subst s'. fold i0 in Hi. destruct (Hread e' He') as (E1 & E2).
      pose proof (passes_error _ _ Hi) as E. rewrite (Rabs_pos_eq i0) in E by lra. apply Rabs_le_inv in E.
      assert (Hi0 : D * i0 <= / 1000 * i0) by (apply Rmult_le_compat_r; lra).
      assert (Hi'i : i' = i).
      { destruct Hi' as [| i H]; [reflexivity |]. rewrite Rabs_pos_eq in H by (rewrite u32_value in Ht; lra).
        rewrite u32_value in Ht. lra. }
      subst i'. assert (P : 0 <= i) by (rewrite u32_value in Ht; lra).
      assert (X : 0 <= e' * i) by (apply Rmult_le_pos; lra).
      assert (U : Rabs (e' * i - e * i0) <= D * (e * i0) + 10 * eta).
      { replace (e' * i - e * i0) with (e' * (i - i0) - (e - e') * i0) by ring.
        assert (A1 : Rabs (e' * (i - i0)) <= e * (D * i0) + 2 * eta).
        { rewrite Rabs_mult, (Rabs_pos_eq e') by lra.
          apply Rle_trans with (e' * (D * i0 + eta)); [apply Rmult_le_compat_l; [lra | apply Rabs_le; lra] |].
          assert (0 <= D * i0) by (apply Rmult_le_pos; lra).
          assert (e' * (D * i0) <= e * (D * i0)) by (apply Rmult_le_compat_r; lra).
          assert (e' * eta <= 2 * eta) by (apply Rmult_le_compat_r; lra). lra. }
        assert (Y : 0 <= (e - e') * i0 <= eta * 8) by (split; [apply Rmult_le_pos | apply Rmult_le_compat]; lra).
        apply Rabs_le_inv in A1. apply Rabs_le. lra. }
      apply Rabs_le_inv in U. assert (HD16 : D * (e * i0) <= / 1000 * 16) by (apply Rmult_le_compat; lra).
      destruct r as [y |]; [| exfalso; eapply Hover; [| exact Hr]; lra].
      exists y. split; [reflexivity |]. destruct (passes_below _ _ X Hr) as (Y0 & _). split; [exact Y0 |].
      pose proof (passes_error _ _ Hr) as F. rewrite (Rabs_pos_eq (e' * i)) in F by lra. apply Rabs_le_inv in F.
      assert (D * (e' * i) <= D * (e * i0 + (D * (e * i0) + 10 * eta))) by (apply Rmult_le_compat_l; lra).
      assert (D * (10 * eta) <= 10 * eta) by (rewrite <- (Rmult_1_l (10 * eta)) at 2; apply Rmult_le_compat_r; lra).
      apply Rabs_le. lra.
    - exfalso. apply Hkept in Hs'. subst s'. destruct Hbad as [-> | Hbad]; [lra |]. eapply Hover; [| exact Hbad]. fold i0. lra.
  Qed.

  (* ---- All entries *)

  Theorem group_evaluation : forall os, softmax_evaluates es os ->
    exists ys, os = map Some ys /\ Forall (fun y => 0 <= y) ys /\ Rabs (sum (fun y => y) ys - 1) <= gamma (n + 8).
  Proof.
    intros os H. destruct H as [s os Hev Hos | Hfail]; [| now apply sum_is_finite in Hfail].
    destruct (sum_result s Hev) as (A & C & Hs). destruct exponential_sum as (HS & Hn).
    destruct growth_bounds as (G1 & G2 & G3 & G4 & G5). pose proof few as Hf. fold n in Hf.
    pose proof eta_positive as Hp. pose proof eta_tiny as Ht. pose proof D_bounds as HD.
    assert (Hall : Forall (fun e => 0 <= e <= 2) es) by apply covered.
    assert (G : exists ys, os = map Some ys /\ Forall (fun y => 0 <= y) ys /\
      Rabs (sum (fun y => y) ys - S / s) <= (2 * D + D * D) * (S / s) + n * (40 * eta)).
    { unfold S, n. pose proof (fun e o He => quotient_value s e o Hev He) as Q. clear - Hos Hall Q.
      induction Hos as [| e o es0 os0 Hq _ IH].
      - exists []. split; [reflexivity |]. split; [constructor |]. unfold sum, Rdiv. cbn. rewrite !Rmult_0_l, !Rmult_0_r, Rminus_0_r, Rabs_R0. lra.
      - inversion Hall as [| ? ? He Hall']; subst. destruct (IH Hall') as (ys & -> & Hy & Hsum).
        destruct (Q e o He Hq) as (y & -> & Hy0 & Hy1). exists (y :: ys). split; [reflexivity |]. split; [now constructor |].
        change (sum (fun y => y) (y :: ys)) with (y + sum (fun y => y) ys). change (sum (fun e => e) (e :: es0)) with (e + sum (fun e => e) es0).
        cbn [length]. rewrite S_INR. apply Rabs_le_inv in Hsum, Hy1. apply Rabs_le.
        replace ((e + sum (fun e => e) es0) / s) with (e / s + sum (fun e => e) es0 / s) by (unfold Rdiv; ring). lra. }
    destruct G as (ys & Eos & Hy & Hsum). exists ys. split; [exact Eos |]. split; [exact Hy |].
    set (t := S / s) in *. set (T := sum (fun y => y) ys) in *. apply Rabs_le_inv in Hsum.
    assert (Hst : S = t * s) by (unfold t; field; lra). set (z := n * u32) in *.
    assert (Hz : 0 <= z) by (unfold z; rewrite u32_value; lra).
    assert (Hen : 0 < eta * (2 * n)) by (apply Rmult_lt_0_compat; lra).
    assert (Htiny : eta * (2 * n) <= u32 * u32 * u32 * s) by (rewrite u32_value in *; nra).
    assert (Ht1 : t <= growth * (1 + u32 * u32 * u32)).
    { apply Rmult_le_reg_r with s; [lra |]. rewrite <- Hst. rewrite Rmult_assoc. eapply Rle_trans; [exact A |]. apply Rmult_le_compat_l; lra. }
    assert (Hst2 : eta * (2 * n) <= u32 * u32 * u32 * S) by (rewrite u32_value in *; nra).
    assert (Ht2 : 1 <= t * growth * (1 + u32 * u32 * u32)).
    { apply Rmult_le_reg_r with s; [lra |]. rewrite Rmult_1_l.
      replace (t * growth * (1 + u32 * u32 * u32) * s) with (growth * ((1 + u32 * u32 * u32) * S)) by (rewrite Hst; ring).
      eapply Rle_trans; [exact C |]. apply Rmult_le_compat_l; lra. }
    assert (Hd : 2 * D + D * D <= 9 / 4 * u32) by (unfold D; rewrite u32_value; lra).
    assert (Hne : n * (40 * eta) <= u32 * u32) by (rewrite u32_value in *; nra).
    assert (Ht0 : 0 <= t) by (unfold t, Rdiv; apply Rmult_le_pos; [lra | left; apply Rinv_0_lt_compat; lra]).
    assert (Hdt : (2 * D + D * D) * t <= 9 / 4 * u32 * t) by (apply Rmult_le_compat_r; assumption).
    assert (Hg : (1 + gamma (n + 8)) * (1 - z - 8 * u32) = 1).
    { unfold gamma, z. field. fold z. rewrite u32_value in *. lra. }
    assert (Hg0 : 0 <= gamma (n + 8)).
    { unfold gamma. apply Rmult_le_pos; [rewrite u32_value; lra |]. left. apply Rinv_0_lt_compat. unfold z in G4. rewrite u32_value in *. lra. }
    set (g := gamma (n + 8)) in *.
    assert (Hw : growth * (1 - z - u32 / 4) <= 1).
    { eapply Rle_trans; [| exact G2]. apply Rmult_le_compat_l; lra. }
    apply Rabs_le. split.
    - (* T >= (1 - 9/4 u) t - u^2 and t >= (1 - z - u/4) (1 - u^3) *)
      assert (L : (1 - z - u32 / 4) * (1 - u32) <= t).
      { assert (0 <= 1 - z - u32 / 4) by (rewrite u32_value in *; lra).
        assert (P : (1 - z - u32 / 4) * 1 <= (1 - z - u32 / 4) * (t * growth * (1 + u32 * u32 * u32))) by (apply Rmult_le_compat_l; assumption).
        assert (Q : t * (1 + u32 * u32 * u32) * (growth * (1 - z - u32 / 4)) <= t * (1 + u32 * u32 * u32) * 1).
        { apply Rmult_le_compat_l; [| exact Hw]. apply Rmult_le_pos; [exact Ht0 | rewrite u32_value; lra]. }
        assert (W : (1 - z - u32 / 4) <= t * (1 + u32 * u32 * u32)) by lra.
        rewrite u32_value in *. lra. }
      assert (Hgz : z + 8 * u32 <= g).
      { assert (0 <= g * (z + 8 * u32)) by (apply Rmult_le_pos; [exact Hg0 | rewrite u32_value; lra]). lra. }
      assert (M : (1 - z - u32 / 4) * (1 - u32) * (1 - 9 / 4 * u32) <= t * (1 - 9 / 4 * u32)).
      { apply Rmult_le_compat_r; [rewrite u32_value; lra | exact L]. }
      clearbody z t T g. clear - Hsum Hdt Hne M Hgz Hz. rewrite u32_value in *. lra.
    - (* T <= (1 + 9/4 u) growth (1 + u^3) + u^2 *)
      assert (W : T * (1 - z - u32 / 4) <= 1 + 3 * u32).
      { assert (0 <= 1 - z - u32 / 4) by (rewrite u32_value in *; lra).
        assert (P : T <= (1 + 9 / 4 * u32) * (growth * (1 + u32 * u32 * u32)) + u32 * u32).
        { apply Rle_trans with ((1 + 9 / 4 * u32) * t + u32 * u32); [lra |]. apply Rplus_le_compat_r, Rmult_le_compat_l; [rewrite u32_value; lra | exact Ht1]. }
        assert (Q : T * (1 - z - u32 / 4) <= ((1 + 9 / 4 * u32) * (growth * (1 + u32 * u32 * u32)) + u32 * u32) * (1 - z - u32 / 4)) by (apply Rmult_le_compat_r; assumption).
        rewrite u32_value in *. lra. }
      assert (V : T * (1 - z - 8 * u32) <= (1 + g) * (1 - z - 8 * u32)).
      { rewrite Hg. assert (T0 : 0 <= T) by (apply sum_nonnegative; now apply Forall_forall).
        assert (0 <= T * (z + 8 * u32)) by (apply Rmult_le_pos; [exact T0 | rewrite u32_value; lra]).
        destruct (Rle_or_lt T 1); rewrite u32_value in *; lra. }
      apply Rmult_le_reg_r in V; [lra |]. rewrite u32_value in *. lra.
  Qed.
End Group.

(* Whatever tree and precision sums the exponentials, whichever way it is divided by
   the sum, flushing or not: the entries are finite numbers inside the relation. *)
Theorem every_evaluation_of_a_softmax_is_a_distribution : forall es os,
  INR (length es) <= 1048576 -> covered_exponentials es -> softmax_evaluates es os ->
  exists ys, os = map Some ys /\ Forall (fun y => 0 <= y) ys /\
    Rabs (sum (fun y => y) ys - 1) <= gamma (INR (length es) + 8).
Proof. intros es os Hn Hc H. exact (group_evaluation es Hn Hc os H). Qed.

(* Why the exponentials are covered: the greatest logit is subtracted first (the
   differences z are then at most 0, and one is 0), and exp errs by less than half. *)
Lemma subtracting_the_greatest_is_covered : forall zs es, Forall (fun z => z <= 0) zs -> In 0 zs ->
  Forall2 (fun z e => Rabs (e - exp z) <= / 2 * exp z) zs es -> covered_exponentials es.
Proof.
  intros zs es Hz H0 H. split.
  - clear H0. induction H as [| z e zs es He H IH]; [constructor |]. inversion Hz as [| ? ? Hz0 Hz']; subst.
    constructor; [| now apply IH]. apply Rabs_le_inv in He. pose proof (exp_pos z).
    assert (exp z <= 1).
    { rewrite <- exp_0. destruct (Rle_lt_or_eq_dec z 0 Hz0) as [Hlt | ->]; [left; now apply exp_increasing | lra]. }
    lra.
  - clear Hz. induction H as [| z e zs es He H IH]; [easy |]. destruct H0 as [-> | H0].
    + apply Exists_cons_hd. rewrite exp_0 in He. apply Rabs_le_inv in He. lra.
    + apply Exists_cons_tl. now apply IH.
Qed.
