(* A whole sweep: multipliers, all operators from the top down, the inputs
   (spec/certificate.md section 7). Relies on Groups. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Lists Binary64 Semantics Rounding Store Sweep Groups QuickSweep.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Section Bounds.
  (* bounds of the elements that have some of their own, and sizes of all that are read *)
  Variables (lo hi x : int -> float).

  Definition multiply (s : float * array float) (m : int * float) : float * array float :=
    let (c, A) := s in
    let (e, beta) := m in
    let a := (read A e - beta)%float in
    let v := (beta * (if 0 <? beta then lo e else hi e))%float in
    (charge (c + v) ((2 * U) * (abs v + (abs a + abs beta) * x e) + tau), write A e a)%float.

  Fixpoint sweep (ops : list sop) (multipliers : list (int * float)) (c : float) (A : array float) : option (float * array float) :=
    match ops with
    | [] => Some (c, A)
    | o :: rest =>
        let '(later, now) := partition (fun m => fst m <? o_first o)%uint63 multipliers in
        let (c1, A1) := fold_left multiply now (c, A) in
        match step_op x o c1 A1 with
        | Some (c2, A2) => sweep rest later c2 A2
        | None => None
        end
    end.

  (* At the inputs *)
  Definition end_of (a : float) (j : int) : float := if (0 <? a)%float then lo j else hi j.
  Definition input_bound (inputs : list int) (c : float) (A : array float) : option float :=
    let t1 := fsum (fun j => read A j * end_of (read A j) j)%float inputs 0 in
    let t3 := fsum (fun j => abs (read A j) * x j)%float inputs 0 in
    let lb := ((c + t1) - (((2 * float_of_nat (length inputs) + 16) * U) * (abs c + t3) + tau))%float in
    if forallb (fun j => small (read A j)) inputs && small_constant c && is_finite lb then Some lb else None.

  (* ---- Soundness *)
  Variable y : execution.

  Definition bounded (e : int) : Prop :=
    V (lo e) <= y (idx e) <= V (hi e) /\ Rabs (y (idx e)) <= V (x e).

  Lemma multiply_sound : forall c A e beta c' A' n, multiply (c, A) (e, beta) = (c', A') ->
    bounded e -> (idx e < n)%nat -> (n <= size A)%nat -> fin c' -> fin (nat_at A' (idx e)) ->
    fin c /\ fin (nat_at A (idx e)) /\ (forall j, (j < n)%nat -> j <> idx e -> nat_at A' j = nat_at A j) /\ size A' = size A /\
    V c' + form A' n y <= V c + form A n y.
  Proof.
    intros c A e beta c' A' n H [Hb Hx] He Hn Fc Fa. unfold multiply in H.
    apply pair_equal_spec in H. destruct H as (<- & <-).
    rewrite nat_at_write in Fa by lia. rewrite Nat.eqb_refl in Fa.
    rewrite form_write by assumption.
    set (a := (read A e - beta)%float) in *. set (bnd := if (0 <? beta)%float then lo e else hi e) in *.
    pose proof w_positive as Hw. pose proof tau_w as Ht. pose proof tau_positive as Htp.
    set (t := (2 * U * (abs (beta * bnd) + (abs a + abs beta) * x e) + tau)%float) in *.
    assert (Ft : fin t) by (unfold charge in Fc; destruct (sub_fin _ _ Fc) as (_ & Fu & _); now destruct (add_fin _ _ Fu)).
    destruct (sub_V _ _ Fa) as (FA & Fbeta & _ & Ea).
    destruct (add_fin _ _ Ft) as (Fm & _ & _). destruct (mul_fin _ _ Fm) as (_ & Fs & _).
    destruct (add_fin _ _ Fs) as (Fv & Fp & _). destruct (mul_fin _ _ Fp) as (Fab & Fx & _).
    apply (proj1 (abs_fin _)) in Fv. destruct (mul_V _ _ Fv) as (_ & Fbnd & Ev).
    pose proof (Rabs_pos (V a)). pose proof (Rabs_pos (V beta)). pose proof (Rabs_pos (V (beta * bnd)%float)).
    pose proof (Rabs_pos (y (idx e))).
    destruct (add_pos _ _ Fab) as (_ & _ & (E1 & _)); [rewrite abs_V; lra | rewrite abs_V; lra |]. rewrite !abs_V in E1.
    assert (P1 : 0 <= V (abs a + abs beta)%float) by (apply add_sign; auto; rewrite abs_V; lra).
    destruct (mul_pos _ _ Fp) as (_ & _ & (E2 & _)); [exact P1 | lra |].
    assert (P2 : 0 <= V ((abs a + abs beta) * x e)%float) by (apply mul_sign; auto; lra).
    destruct (add_pos _ _ Fs) as (_ & _ & (E3 & _)); [rewrite abs_V; lra | exact P2 |]. rewrite abs_V in E3.
    assert (P3 : 0 <= V (abs (beta * bnd) + (abs a + abs beta) * x e)%float) by (apply add_sign; auto; rewrite abs_V; lra).
    destruct (mul_pos _ _ Fm) as (_ & _ & (E4 & _)); [rewrite V_2U; numeric | exact P3 |]. rewrite V_2U in E4.
    assert (P4 : 0 <= V (2 * U * (abs (beta * bnd) + (abs a + abs beta) * x e))%float) by (apply mul_sign; auto; rewrite V_2U; numeric).
    destruct (add_pos _ _ Ft) as (_ & _ & (E5 & _)); [exact P4 | rewrite V_tau; lra |]. rewrite V_tau in E5.
    match type of E5 with ?l <= _ => change (l <= V t) in E5 end.
    destruct (charge_room _ _ Fc) as (Fc1 & _ & Ec); [numeric |].
    destruct (add_V _ _ Fc1) as (Fc0 & _ & _ & Ec1).
    split; [exact Fc0 |]. split; [rewrite get_nat_at in FA; exact FA |]. split.
    { intros j Hj Hne. rewrite nat_at_write by lia. destruct (Nat.eqb_spec j (idx e)); [contradiction | reflexivity]. }
    split; [apply size_write |].
    (* the product beta * bound is below beta * y *)
    assert (Hbb : V beta * V bnd <= V beta * y (idx e)).
    { unfold bnd. destruct (0 <? beta)%float eqn:Hs.
      - apply ltb_V in Hs; auto using fin_0. rewrite V_0 in Hs. apply Rmult_le_compat_l; lra.
      - apply ltb_false in Hs; auto using fin_0. rewrite V_0 in Hs. nra. }
    assert (Hv : Rabs (V beta * V bnd) <= Rabs (V (beta * bnd)%float) + Rabs (V (beta * bnd)%float - V beta * V bnd)).
    { replace (V beta * V bnd) with (V (beta * bnd)%float - (V (beta * bnd)%float - V beta * V bnd)) at 1 by ring. apply Rabs_minus_le. }
    assert (Hay : (V a - V (read A e)) * y (idx e) <= - (V beta * y (idx e)) + d * (Rabs (V a) * V (x e))).
    { replace ((V a - V (read A e)) * y (idx e)) with (- (V beta * y (idx e)) + (V a - (V (read A e) - V beta)) * y (idx e)) by ring.
      apply Rplus_le_compat_l. eapply Rle_trans; [apply Rle_abs |]. rewrite Rabs_mult.
      apply Rle_trans with (d * Rabs (V a) * Rabs (y (idx e))); [now apply Rmult_le_compat_r |].
      rewrite <- Rmult_assoc. apply Rmult_le_compat_l; [apply Rmult_le_pos; numeric | exact Hx]. }
    assert (HX : 0 <= V (x e)) by lra.
    assert (HaX : 0 <= Rabs (V a) * V (x e)) by (apply Rmult_le_pos; lra).
    assert (HbX : 0 <= Rabs (V beta) * V (x e)) by (apply Rmult_le_pos; lra).
    assert (E2' : (1 - d) * ((1 - d) * (Rabs (V a) + Rabs (V beta)) * V (x e)) <= (1 - d) * (V (abs a + abs beta)%float * V (x e))).
    { apply Rmult_le_compat_l; [numeric |]. now apply Rmult_le_compat_r. }
    set (c1 := V (c + beta * bnd)%float) in *. pose proof (Rabs_pos c1).
    apply Rabs_le_inv in Ec1. pose proof (Rabs_le_inv _ _ Ev). numeric.
  Qed.

  Lemma multipliers_sound : forall l c A c' A' n, fold_left multiply l (c, A) = (c', A') ->
    (forall m, In m l -> bounded (fst m) /\ (idx (fst m) < n)%nat) -> (n <= size A)%nat -> fin c' ->
    (forall j, (j < n)%nat -> fin (nat_at A' j)) ->
    fin c /\ (forall j, (j < n)%nat -> fin (nat_at A j)) /\ size A' = size A /\ V c' + form A' n y <= V c + form A n y.
  Proof.
    induction l as [| [e beta] l IH]; intros c A c' A' n H Hl Hn Fc FA.
    - injection H as <- <-. repeat split; auto. lra.
    - cbn [fold_left] in H. destruct (multiply (c, A) (e, beta)) as [c1 A1] eqn:Hm.
      destruct (Hl _ (or_introl eq_refl)) as (Hb & He). cbn [fst] in *.
      assert (Hs1 : size A1 = size A) by (unfold multiply in Hm; injection Hm as _ <-; apply size_write).
      destruct (IH c1 A1 c' A' n H) as (F1 & FA1 & Hs & Hv); [intros; apply Hl; now right | lia | exact Fc | exact FA |].
      destruct (multiply_sound c A e beta c1 A1 n Hm Hb He Hn F1 (FA1 _ He)) as (F0 & FAe & Hother & _ & Hv0).
      split; [exact F0 |]. split.
      + intros j Hj. destruct (Nat.eq_dec j (idx e)) as [-> | Hne]; [exact FAe |]. rewrite <- Hother by assumption. now apply FA1.
      + split; [congruence | lra].
  Qed.

  (* ops from the top down; the elements below them are the first `ins` *)
  Fixpoint sound_chain (ins : nat) (ops : list sop) (n : nat) : Prop :=
    match ops with
    | [] => n = ins
    | o :: rest => exists k, n = (k + o_count o)%nat /\ sound_step y x k o /\ (Z.of_nat (o_m o) <= 2 ^ 39)%Z /\
        idx (o_first o) = k /\ sound_chain ins rest k
    end.

  Lemma chain_above : forall ins ops n, sound_chain ins ops n -> (ins <= n)%nat.
  Proof.
    induction ops as [| o ops IH]; intros n H; [now rewrite H |]. destruct H as (k & -> & _ & _ & _ & H). apply IH in H. lia.
  Qed.

  Theorem sweep_sound : forall ins ops n multipliers c A c' A', sound_chain ins ops n -> (n <= size A)%nat ->
    (forall m, In m multipliers -> bounded (fst m) /\ (idx (fst m) < n)%nat) ->
    sweep ops multipliers c A = Some (c', A') -> fin c' -> (forall j, (j < ins)%nat -> fin (nat_at A' j)) ->
    fin c /\ (forall j, (j < n)%nat -> fin (nat_at A j)) /\ V c' + form A' ins y <= V c + form A n y.
  Proof.
    induction ops as [| o ops IH]; intros n multipliers c A c' A' Hc Hn Hm H Fc FA.
    - injection H as <- <-. simpl in Hc. subst. repeat split; auto. lra.
    - destruct Hc as (k & -> & Hop & Hm39 & Hfirst & Hrest). cbn [sweep] in H.
      destruct (partition (fun m => (fst m <? o_first o)%uint63) multipliers) as [later now] eqn:Hp.
      destruct (fold_left multiply now (c, A)) as [c1 A1] eqn:Hf.
      assert (Hs1 : size A1 = size A).
      { clear - Hf. revert c A Hf. induction now as [| [e beta] l IHl]; intros c A Hf; [injection Hf as _ <-; reflexivity |].
        cbn [fold_left multiply] in Hf. apply IHl in Hf. now rewrite size_write in Hf. }
      destruct (step_op x o c1 A1) as [[c2 A2] |] eqn:Hs; [| discriminate].
      pose proof (elements_in_partition _ _ Hp) as Hin.
      assert (Hlater : forall m, In m later -> bounded (fst m) /\ (idx (fst m) < k)%nat).
      { intros m Hml. split; [apply Hm, Hin; now left |].
        assert (E : (fst m <? o_first o)%uint63 = true).
        { clear - Hp Hml. revert later now Hp Hml. induction multipliers as [| m0 l IHl]; intros later now Hp Hml; cbn in Hp.
          - injection Hp as <- <-. easy.
          - destruct (partition _ l) as [l1 l2]. destruct (fst m0 <? o_first o)%uint63 eqn:E; injection Hp as <- <-.
            + destruct Hml as [<- | Hml]; [exact E | eapply IHl; eauto].
            + eapply IHl; eauto. }
        apply ltb_spec in E. rewrite <- Hfirst. unfold idx. pose proof (to_Z_bounded (fst m)). pose proof (to_Z_bounded (o_first o)). lia. }
      assert (Hs2 : size A2 = size A1 /\ (k <= size A2)%nat).
      { pose proof (step_op_size _ _ _ _ _ _ Hs). lia. }
      destruct (IH k later c2 A2 c' A' Hrest ltac:(lia) Hlater H Fc FA) as (F2 & FA2 & Hv2).
      destruct (step_op_sound y x k o Hop A1 ltac:(lia) c1 c2 A2) as (F1 & FA1 & _ & Hv1); auto.
      { rewrite INR_IZR_INZ. apply IZR_le in Hm39. change (IZR (2 ^ 39)) with 549755813888 in Hm39. lra. }
      destruct (multipliers_sound now c A c1 A1 (k + o_count o) Hf) as (F0 & FA0 & _ & Hv0); auto.
      { intros m Hmn. apply Hm, Hin. now right. }
      repeat split; auto. lra.
  Qed.

  (* LB bounds the form from below, even with every input at the end that the bound takes,
     and with tau / 2 to spare. *)
  Theorem input_bound_sound : forall inputs c A lb, (Z.of_nat (length inputs) <= 2 ^ 39)%Z ->
    (forall j, In j inputs -> Rabs (V (lo j)) <= V (x j) /\ Rabs (V (hi j)) <= V (x j)) ->
    input_bound inputs c A = Some lb ->
    fin c /\ fin lb /\ (forall j, In j inputs -> fin (read A j)) /\
    V lb + tauR / 2 <= V c + sum (fun j => V (read A j) * V (end_of (read A j) j)) inputs.
  Proof.
    intros inputs c A lb Hlen Hx H. unfold input_bound in H.
    destruct (forallb _ _ && _ && _) eqn:Ht; [| discriminate]. injection H as <-.
    apply andb_prop in Ht. destruct Ht as (_ & F). apply finite_is_finite in F.
    pose proof w_positive as Hw. pose proof tau_w as Htw. pose proof tau_positive as Htp.
    set (n := length inputs) in *.
    set (t1 := fsum (fun j => read A j * end_of (read A j) j)%float inputs 0) in *.
    set (t3 := fsum (fun j => abs (read A j) * x j)%float inputs 0) in *.
    destruct (sub_any _ _ F) as (F1 & F2 & R2). destruct (add_any _ _ F1) as (Fc & Ft1 & R1).
    destruct (add_fin _ _ F2) as (F3 & _ & _). destruct (mul_fin _ _ F3) as (Fg & Fz & _). destruct (add_fin _ _ Fz) as (_ & Ft3 & _).
    assert (HN : 0 <= INR n <= 549755813888).
    { split; [apply pos_INR |]. rewrite INR_IZR_INZ. apply (IZR_le _ (2 ^ 39)). exact Hlen. }
    assert (Hx0 : forall j, In j inputs -> 0 <= V (x j)).
    { intros j Hj. destruct (Hx j Hj) as (B & _). pose proof (Rabs_pos (V (lo j))). lra. }
    destruct (fsum_error _ (fun j => read A j * end_of (read A j) j)%float (fun j => V (read A j) * V (end_of (read A j) j)) inputs 0%float)
      as (_ & Fin & E1); [fold n; lra | | exact Ft1 |].
    { intros j _ G. now destruct (mul_V _ _ G) as (_ & _ & E). }
    assert (E3 := fsum_pos _ (fun j => abs (read A j) * x j)%float (fun j => Rabs (V (read A j)) * V (x j)) inputs 0%float).
    destruct E3 as (E3 & _); [fold n; lra | rewrite V_0; lra | | | exact Ft3 |].
    { intros j Hj. apply Rmult_le_pos; [apply Rabs_pos | auto]. }
    { intros j _ G. destruct (mul_V _ _ G) as (_ & _ & E). now rewrite abs_V in E. }
    fold t1 n in E1. fold t3 n in E3. rewrite V_0, Rabs_R0, !Rplus_0_l in E1. rewrite V_0, Rplus_0_l in E3.
    set (T1 := sum (fun j => V (read A j) * V (end_of (read A j) j)) inputs) in *.
    set (B := sum (fun j => Rabs (V (read A j)) * V (x j)) inputs) in *.
    assert (HB : 0 <= B) by (apply sum_nonnegative; intros; apply Rmult_le_pos; [apply Rabs_pos | auto]).
    assert (HB1 : sum (fun j => Rabs (V (read A j) * V (end_of (read A j) j))) inputs <= B).
    { apply sum_le. intros j Hj. rewrite Rabs_mult. apply Rmult_le_compat_l; [apply Rabs_pos |].
      unfold end_of. destruct (0 <? read A j)%float; now apply Hx. }
    assert (HT1 : Rabs T1 <= B) by (eapply Rle_trans; [apply sum_abs | exact HB1]).
    assert (E1' : Rabs (V t1 - T1) <= (INR n + 1) * d * (4001 / 4000) * B + 4 * INR n * w).
    { eapply Rle_trans; [exact E1 |]. apply Rplus_le_compat_r. apply Rmult_le_compat_l; [numeric | exact HB1]. }
    assert (P3 : 0 <= V t3).
    { apply fsum_sign; [exact Ft3 | rewrite V_0; lra |]. intros j Hj G. apply mul_sign; auto. rewrite abs_V. apply Rabs_pos. }
    destruct (add_pos _ _ Fz) as (_ & _ & (Z1 & _)); [rewrite abs_V; apply Rabs_pos | exact P3 |]. rewrite abs_V in Z1.
    assert (PZ : 0 <= V (abs c + t3)%float) by (apply add_sign; auto; rewrite abs_V; apply Rabs_pos).
    assert (Hg := unit_charge_V n ltac:(lia) Fg).
    destruct (mul_pos _ _ F3) as (_ & _ & (Ep & _)); [rewrite Hg; numeric | exact PZ |]. rewrite Hg in Ep.
    assert (PP : 0 <= V ((2 * float_of_nat n + 16) * U * (abs c + t3))%float) by (apply mul_sign; auto; rewrite Hg; numeric).
    destruct (add_pos _ _ F2) as (_ & _ & (Ech & _)); [exact PP | rewrite V_tau; lra |]. rewrite V_tau in Ech.
    assert (PCh : 0 <= V ((2 * float_of_nat n + 16) * U * (abs c + t3) + tau)%float) by (apply add_sign; auto; rewrite V_tau; lra).
    split; [exact Fc |]. split; [exact F |].
    split. { intros j Hj. now destruct (mul_fin _ _ (Fin j Hj)). }
    rewrite (Rabs_pos_eq _ PCh) in R2.
    set (lb := V (c + t1 - _)%float) in *.
    set (c1 := V (c + t1)%float) in *. set (ch := V ((2 * float_of_nat n + 16) * U * (abs c + t3) + tau)%float) in *.
    set (p := V ((2 * float_of_nat n + 16) * U * (abs c + t3))%float) in *. set (z := V (abs c + t3)%float) in *.
    set (x1 := V t1) in *. set (x3 := V t3) in *. set (C := V c) in *. set (N := INR n) in *.
    clearbody lb c1 ch p z x1 x3 C N. clear - R1 R2 Z1 Ep Ech HB HT1 E1' E3 P3 PZ PP PCh HN Hw Htw Htp.
    pose proof (Rabs_pos C) as HC.
    assert (HMw : 0 <= N * w <= 549755813888 * w) by (split; [apply Rmult_le_pos; lra | apply Rmult_le_compat_r; lra]).
    assert (HMB : 0 <= N * B) by (apply Rmult_le_pos; lra).
    assert (HMC : 0 <= N * Rabs C) by (apply Rmult_le_pos; lra).
    assert (HkB : (N + 1) * d * (4001 / 4000) * B <= / 1000 * B) by (apply Rmult_le_compat_r; [lra | numeric]).
    assert (A1 : Rabs x1 <= B + (N + 1) * d * (4001 / 4000) * B + 4 * N * w).
    { replace x1 with (T1 + (x1 - T1)) by ring. eapply Rle_trans; [apply Rabs_triang | lra]. }
    assert (Ac1 : Rabs c1 <= (1 + d) * (Rabs C + Rabs x1)).
    { replace c1 with ((C + x1) + (c1 - (C + x1))) by ring. eapply Rle_trans; [apply Rabs_triang |].
      pose proof (Rabs_triang C x1). numeric. }
    assert (Rx1 := Rabs_pos x1). assert (Rc1 := Rabs_pos c1).
    unabs.
    assert (Hz : (1 - / 500) * (Rabs C + B) - 5 * N * w <= z) by numeric.
    assert (Hp : (4 * N + 32) * d * ((1 - / 500) * (Rabs C + B) - 5 * N * w) <= (4 * N + 32) * d * z).
    { apply Rmult_le_compat_l; [numeric | exact Hz]. }
    assert (Hq : (4 * N + 32) * d * (5 * N * w) <= / 100 * (5 * N * w)).
    { apply Rmult_le_compat_r; [lra | numeric]. }
    assert (Hr : (4 * N + 32) * d * ((1 - / 500) * (Rabs C + B)) - N * w <= (4 * N + 32) * d * z) by lra.
    assert (Hs : (4 * N + 32) * d * ((1 - / 400) * (Rabs C + B)) - N * w - w <= p) by numeric.
    assert (Hs' : (4 * N + 32) * d * ((1 - / 300) * (Rabs C + B)) - N * w - w + tauR * (1 - d) <= ch) by numeric.
    numeric.
  Qed.
End Bounds.
