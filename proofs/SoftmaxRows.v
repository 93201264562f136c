(* Softmax elements (spec/certificate.md section 6): their bounds, and how far the sum of
   a group may be from 1. Relies on AffineRows, whose figures for a row with k = n + 8
   roundings are those of a group of n. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Definition group_row (g : list int) : compiled := compile_row (Row [] 0 0 (float_of_nat (length g + 8)) 1 []).
Definition softmax_error (s : semantics) (g : list int) : float := match s with real => 0%float | float32 => gam (group_row g) end.
Definition softmax_bounds (s : semantics) (g : list int) : float * float :=
  (0%float, match s with real => 1%float | float32 => upper 1 (softmax_error s g) end).

Definition group_ok (g : list int) : bool :=
  (1 <=? length g)%nat && (Z.of_nat (length g) <=? 2 ^ 20)%Z && row_ok (group_row g).

Lemma softmax_bounds_length : forall s gs, length (flat_map (fun g : list int => map (fun _ => softmax_bounds s g) g) gs) = length (concat gs).
Proof. intros s. induction gs as [| g gs IH]; [reflexivity |]. cbn [flat_map concat]. now rewrite !app_length, map_length, IH. Qed.

(* The real relation: a distribution, whatever the sources are. *)
Lemma exponentials_sum_positive : forall y g, g <> [] -> 0 < sum (fun e => exp (at_element y e)) g.
Proof.
  intros y [| e g] Hg; [contradiction |]. change (sum ?f (e :: g)) with (f e + sum f g). cbv beta.
  pose proof (exp_pos (at_element y e)).
  assert (0 <= sum (fun f => exp (at_element y f)) g) by (apply sum_nonnegative; intros; left; apply exp_pos). lra.
Qed.

Lemma softmax_is_a_distribution : forall y g vs, g <> [] -> softmax_holds y real g vs ->
  Forall (fun v => 0 < v <= 1) vs /\ sum (fun v => v) vs = 1.
Proof.
  intros y g vs Hg ->. pose proof (exponentials_sum_positive y g Hg) as Hs. split.
  - apply Forall_map, Forall_forall. intros e He. pose proof (exp_pos (at_element y e)).
    assert (exp (at_element y e) <= sum (fun f => exp (at_element y f)) g).
    { apply (sum_in_le _ (fun f => exp (at_element y f))); [intros; left; apply exp_pos | exact He]. }
    split; [now apply Rdiv_lt_0_compat |].
    apply Rmult_le_reg_r with (sum (fun f => exp (at_element y f)) g); [exact Hs |].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - rewrite sum_map.
    rewrite (sum_ext _ _ (fun e => / sum (fun f => exp (at_element y f)) g * exp (at_element y e))) by (intros; unfold Rdiv; ring).
    rewrite sum_scale. apply Rinv_l. lra.
Qed.

Section Group.
  Variables (y : execution) (s : semantics) (g : list int) (vs : list R).
  Hypothesis ok : group_ok g = true.
  Hypothesis holds : softmax_holds y s g vs.

  Lemma softmax_error_facts : fin (softmax_error s g) /\ 0 <= V (softmax_error s g) /\
    Forall (fun v => 0 <= v) vs /\ Rabs (sum (fun v => v) vs - 1) <= V (softmax_error s g).
  Proof.
    pose proof ok as H. unfold group_ok in H. apply andb_prop in H. destruct H as (H & Hrow). apply andb_prop in H. destruct H as (H1 & Hn).
    apply Nat.leb_le in H1. apply Z.leb_le in Hn. destruct s.
    - destruct (softmax_is_a_distribution y g vs) as (Hall & ->); [intros ->; cbn in H1; lia | exact holds |].
      cbn [softmax_error]. rewrite V_0. replace (1 - 1) with 0 by ring. rewrite Rabs_R0.
      split; [apply fin_0 |]. split; [lra |]. split; [| lra]. eapply Forall_impl; [| exact Hall]. cbn. intros; lra.
    - destruct holds as (Hall & Hsum). destruct (gamma_bounds _ Hrow) as (Hg & _). destruct (row_facts _ Hrow) as (_ & _ & _ & _ & _ & _ & _ & _ & Fg & _).
      cbn [gamma_count group_row compile_row softmax_error] in *. fold (group_row g) in *.
      destruct (float_of_nat_V (length g + 8)) as (_ & Vk); [lia |]. rewrite Vk, plus_INR in Hg. cbn [INR] in Hg.
      replace (INR (length g) + (1 + 1 + 1 + 1 + 1 + 1 + 1 + 1)) with (INR (length g) + 8) in Hg by ring.
      split; [exact Fg |]. split; [lra |]. split; [exact Hall | lra].
  Qed.

  Lemma softmax_bounds_sound : forall v, In v vs -> fin (snd (softmax_bounds s g)) ->
    V (fst (softmax_bounds s g)) <= v <= V (snd (softmax_bounds s g)).
  Proof.
    intros v Hv F. destruct softmax_error_facts as (Fe & E0 & Hall & Hsum). rewrite Forall_forall in Hall. cbn [fst snd softmax_bounds] in *.
    rewrite V_0. split; [now apply Hall |].
    assert (Hle : v <= 1 + V (softmax_error s g)).
    { apply Rabs_le_inv in Hsum. pose proof (sum_in_le _ (fun v => v) vs v Hall Hv). lra. }
    destruct s; cbn [softmax_error] in Hle.
    - rewrite V_0 in Hle. rewrite V_1. lra.
    - destruct (upper_V _ _ F E0) as (_ & _ & Hu). rewrite V_1 in Hu. pose proof tau_positive. pose proof (Rabs_pos 1).
      assert (0 <= V (softmax_error float32 g) * d) by (apply Rmult_le_pos; numeric). cbn [softmax_error] in *. numeric.
  Qed.
End Group.
