(* The step of a sweep at an operator whose rows are about groups of its elements
   (softmax; spec/certificate.md sections 6 and 7): a row holds for the sum of a group,
   and no element is negative. With a the least coefficient of the group,
   sum A_i y_i >= a sum y_i, and so the row takes the coefficient a.

   Relies on QuickSweep. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From AxiomProofs Require Import Lists Binary64 Semantics Rounding Store Sweep QuickSweep.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Definition least_of (A : array float) (group : list int) : float :=
  match group with [] => 0%float | e :: m => fold_left (fun a f => least a (read A f)) m (read A e) end.

Definition active_groups (A : array float) (o : sop) : list (float * srow) :=
  filter (fun p => negb (fst p =? 0)%float) (combine (map (least_of A) (o_groups o)) (map snd (o_rows o))).

Definition sweep_groups (o : sop) (c : float) (A : array float) : option (float * array float) :=
  if forallb (fun e => (read A e =? 0)%float) (concat (o_groups o)) then Some (c, A)
  else if forallb (fun e => small (read A e)) (concat (o_groups o)) && small_constant c then
    let act := active_groups A o in
    Some (step_constant (o_m o) (o_under o) c (t1_of act) (t2_of act) (t3_of act), A)
  else None.

(* One operator, of either kind. *)
Definition step_op (x : int -> float) (o : sop) (c : float) (A : array float) : option (float * array float) :=
  match o_groups o with [] => quick_sweep_op x o c A | _ => sweep_groups o c A end.

Definition o_count (o : sop) : nat :=
  match o_groups o with [] => length (o_rows o) | groups => length (concat groups) end.

(* ---- *)

Definition group_sum (y : execution) (group : list int) : R := sum (fun e => y (idx e)) group.

Record sound_groups (y : execution) (n : nat) (o : sop) : Prop := {
  sg_elements : map idx (concat (o_groups o)) = seq n (length (concat (o_groups o)));
  sg_sign : forall e, In e (concat (o_groups o)) -> 0 <= y (idx e);
  sg_m : (Z.of_nat (o_m o) <= 2 ^ 40)%Z;
  sg_few : (length (o_groups o) <= o_m o)%nat;
  sg_rows : length (o_rows o) = length (o_groups o);
  sg_row : forall g r, In (g, r) (combine (o_groups o) (map snd (o_rows o))) ->
    sound_row (INR (o_m o)) y r (group_sum y g) /\ t_lo r = [] /\ t_hi r = [];
  sg_under : fin (o_under o) -> tauR / 2 <= V (o_under o)
}.

Definition sound_step (y : execution) (x : int -> float) (n : nat) (o : sop) : Prop :=
  match o_groups o with [] => sound_op y x n o | _ => sound_groups y n o end.

(* Larger sizes of what is read are as good. *)
Lemma sound_step_sizes : forall y x x' n o, sound_step y x n o ->
  (forall e, (idx e < n)%nat -> Rabs (y (idx e)) <= V (x' e)) -> sound_step y x' n o.
Proof.
  intros y x x' n o H Hx. unfold sound_step in *. destruct (o_groups o); [| exact H].
  destruct H. constructor; auto.
Qed.

Lemma step_op_size : forall x o c A c' A', step_op x o c A = Some (c', A') -> size A' = size A.
Proof.
  intros x o c A c' A' H. unfold step_op, sweep_groups in H. destruct (o_groups o) as [| g groups].
  - eapply quick_size; eauto.
  - destruct (forallb _ _); [now injection H as _ <- |]. destruct (_ && _); [| discriminate]. now injection H as _ <-.
Qed.

Section Groups.
  Variables (y : execution) (n : nat) (o : sop).
  Hypothesis sound : sound_groups y n o.
  Variable A : array float.

  Lemma least_of_le : forall g, (forall e, In e g -> fin (read A e)) ->
    fin (least_of A g) /\ forall e, In e g -> V (least_of A g) <= V (read A e).
  Proof.
    intros [| e g] Hf; [split; [apply fin_0 | easy] |]. cbn [least_of].
    assert (G : forall m a, fin a -> (forall f, In f m -> fin (read A f)) ->
      let r := fold_left (fun a f => least a (read A f)) m a in
      fin r /\ V r <= V a /\ forall f, In f m -> V r <= V (read A f)).
    { clear. induction m as [| f m IH]; intros a Fa Hm; cbn [fold_left]; [split; [exact Fa | split; [lra | easy]] |].
      destruct (least_V a (read A f) Fa (Hm f (or_introl eq_refl))) as (F & L1 & L2).
      destruct (IH _ F (fun h Hh => Hm h (or_intror Hh))) as (F' & B & C). split; [exact F' |]. split; [lra |].
      intros h [<- | Hh]; [lra | now apply C]. }
    destruct (G g (read A e)) as (F & B & C); [apply Hf; now left | intros; apply Hf; now right |].
    split; [exact F |]. intros h [<- | Hh]; [exact B | now apply C].
  Qed.

  Hypothesis finite : forall e, In e (concat (o_groups o)) -> fin (read A e).

  Lemma group_le : forall g, In g (o_groups o) ->
    V (least_of A g) * group_sum y g <= sum (fun e => V (read A e) * y (idx e)) g.
  Proof.
    intros g Hg. assert (Hin : forall e, In e g -> In e (concat (o_groups o))) by (intros e He; apply in_concat; now exists g).
    destruct (least_of_le g) as (_ & Hle); [auto |]. unfold group_sum. rewrite <- sum_scale. apply sum_le. intros e He.
    apply Rmult_le_compat_r; [apply (sg_sign _ _ _ sound); auto | auto].
  Qed.

  (* What the rows give for the part of the target at this operator *)
  Lemma groups_share : (forall p, In p (active_groups A o) -> fin (fst p) /\ fin (b_of (fst p) (snd p)) /\ fin (q (snd p))) ->
    sum (fun p => V (fst p) * V (b_of (fst p) (snd p))) (active_groups A o)
    - sum (fun p => Rabs (V (fst p)) * V (q (snd p))) (active_groups A o) * (1 + 6 * d)
    <= sum (fun e => V (read A e) * y (idx e)) (concat (o_groups o)).
  Proof.
    unfold active_groups. pose proof (sg_rows _ _ _ sound) as Hlen. pose proof (sg_row _ _ _ sound) as Hrow.
    pose proof group_le as Hle. rewrite <- (map_length snd) in Hlen. revert Hlen Hrow Hle. generalize (map snd (o_rows o)) as rows.
    pose proof tau_positive. pose proof (pos_INR (o_m o)). clear finite.
    induction (o_groups o) as [| g groups IH]; intros rows Hlen Hrow Hle Hfin; [destruct rows; [| discriminate]; unfold sum; cbn; lra |].
    destruct rows as [| r rows]; [discriminate |]. cbn [map combine filter concat fst] in *.
    assert (Hrest : forall p, In p (filter (fun p => negb (fst p =? 0)%float) (combine (map (least_of A) groups) rows)) ->
      fin (fst p) /\ fin (b_of (fst p) (snd p)) /\ fin (q (snd p))).
    { intros p Hp. apply Hfin. destruct (negb _); [now right | exact Hp]. }
    specialize (IH rows ltac:(cbn in Hlen; lia) (fun h r' H' => Hrow h r' (or_intror H')) (fun h H' => Hle h (or_intror H')) Hrest).
    specialize (Hle g (or_introl eq_refl)). specialize (Hrow g r (or_introl eq_refl)). rewrite sum_app.
    destruct (least_of A g =? 0)%float eqn:Hz; cbn [fst negb] in *.
    - apply eqb_zero in Hz. destruct Hz as (_ & Hz). rewrite Hz in Hle. lra.
    - destruct (Hfin _ (or_introl eq_refl)) as (Fa & Fb & Fq). cbn [fst snd] in *. clear Hfin Hrest.
      change (sum ?f (?p :: ?l)) with (f p + sum f l). cbn [fst snd]. set (a := least_of A g) in *.
      destruct Hrow as (Hs & Elo & Ehi). destruct (Hs Fq) as (_ & Slo & Shi). rewrite Elo in Slo. rewrite Ehi in Shi.
      unfold side_sound, weighted_sum, absolute_sum, sum in Slo, Shi. cbn [fold_right] in Slo, Shi.
      unfold b_of in *. destruct (0 <? a)%float eqn:Ha.
      + apply ltb_V in Ha; auto using fin_0. rewrite V_0 in Ha. destruct (Slo Fb ltac:(easy)) as (eps & Hv & He).
        rewrite (Rabs_pos_eq (V a)) by lra.
        assert (V a * (V (b_lo r) - V (q r) * (1 + 6 * d)) <= V a * group_sum y g) by (apply Rmult_le_compat_l; lra). lra.
      + apply ltb_false in Ha; auto using fin_0. rewrite V_0 in Ha. destruct (Shi Fb ltac:(easy)) as (eps & Hv & He).
        rewrite (Rabs_left1 (V a)) by lra.
        assert (- V a * group_sum y g <= - V a * (V (b_hi r) + V (q r) * (1 + 6 * d))) by (apply Rmult_le_compat_l; lra). lra.
  Qed.
End Groups.

Theorem groups_step : forall y n o, sound_groups y n o -> forall A, (n + length (concat (o_groups o)) <= size A)%nat ->
  forall c c' A', INR (o_m o) + 1 <= 1099511627776 -> sweep_groups o c A = Some (c', A') -> fin c' ->
  (forall j, (j < n)%nat -> fin (nat_at A' j)) ->
  fin c /\ (forall j, (j < n + length (concat (o_groups o)))%nat -> fin (nat_at A j)) /\ size A' = size A /\
  V c' + form A' n y <= V c + form A (n + length (concat (o_groups o))) y.
Proof.
  intros y n o sound A room c c' A' HM H Fc' FA'. unfold sweep_groups in H.
  rewrite form_split, <- (sg_elements _ _ _ sound), sum_map.
  rewrite (sum_ext _ _ (fun e => V (read A e) * y (idx e))) by (intros; now rewrite get_nat_at).
  assert (Hown : (forall e, In e (concat (o_groups o)) -> fin (read A e)) -> (forall j, (j < n)%nat -> fin (nat_at A j)) ->
    forall j, (j < n + length (concat (o_groups o)))%nat -> fin (nat_at A j)).
  { intros He Hb j Hj. destruct (Nat.lt_ge_cases j n) as [Hlt | Hge]; [now apply Hb |].
    assert (Hin : In j (seq n (length (concat (o_groups o))))) by (apply in_seq; lia).
    rewrite <- (sg_elements _ _ _ sound) in Hin. apply in_map_iff in Hin. destruct Hin as (e & <- & Hin).
    rewrite <- get_nat_at. now apply He. }
  destruct (forallb (fun e => (read A e =? 0)%float) (concat (o_groups o))) eqn:Hz.
  - injection H as <- <-. rewrite forallb_forall in Hz. split; [exact Fc' |]. split; [| split; [reflexivity |]].
    + apply Hown; [intros e He; now destruct (eqb_zero _ (Hz e He)) | exact FA'].
    + rewrite (sum_ext _ _ (fun _ => 0)); [rewrite sum_zero; lra |]. intros e He. destruct (eqb_zero _ (Hz e He)) as (_ & ->). ring.
  - destruct (forallb (fun e => small (read A e)) (concat (o_groups o)) && small_constant c) eqn:Hs; [| discriminate].
    apply andb_prop in Hs. destruct Hs as (Hs & _). rewrite forallb_forall in Hs.
    assert (Hf : forall e, In e (concat (o_groups o)) -> fin (read A e)).
    { intros e He. apply (abs_leb_fin _ 0x1p500%float); [literal_fin | exact (Hs e He)]. }
    injection H as <- <-. destruct (step_constant_fin _ _ _ _ _ _ Fc') as (_ & _ & _ & _ & Fu).
    pose proof (sg_under _ _ _ sound Fu) as Hu.
    assert (Hin : forall p, In p (active_groups A o) -> exists g, In (g, snd p) (combine (o_groups o) (map snd (o_rows o)))).
    { intros p Hp. apply filter_In in Hp. destruct Hp as (Hp & _). revert Hp. generalize (map snd (o_rows o)) as rows. clear.
      induction (o_groups o) as [| g groups IH]; intros rows Hp; [easy |]. destruct rows as [| r rows]; [easy |].
      cbn [map combine] in *. destruct Hp as [<- | Hp]; [exists g; now left |]. destruct (IH rows Hp) as (h & Hh). exists h. now right. }
    assert (Hlen : (length (active_groups A o) <= o_m o)%nat).
    { unfold active_groups. eapply Nat.le_trans; [apply filter_length_le |]. rewrite combine_length, map_length.
      pose proof (sg_few _ _ _ sound). lia. }
    destruct (rows_constant (o_m o) (o_under o) (active_groups A o) Hlen) with (c := c) as (Fc & Hfin & Hstep); auto using (sg_m _ _ _ sound).
    { intros p Hp Fq. destruct (Hin p Hp) as (g & Hg). destruct (sg_row _ _ _ sound g _ Hg) as (Hr & _). now destruct (Hr Fq). }
    split; [exact Fc |]. split; [now apply Hown |]. split; [reflexivity |].
    pose proof (groups_share y n o sound A Hf Hfin) as Hshare. pose proof tau_positive.
    assert (HT : 0 <= sum (fun p => Rabs (V (fst p)) * V (q (snd p))) (active_groups A o)).
    { apply sum_nonnegative. intros p Hp. apply Rmult_le_pos; [apply Rabs_pos |]. destruct (Hin p Hp) as (g & Hg).
      destruct (sg_row _ _ _ sound g _ Hg) as (Hr & _). now apply Hr, Hfin. }
    numeric.
Qed.

Theorem step_op_sound : forall y x n o, sound_step y x n o -> forall A, (n + o_count o <= size A)%nat ->
  forall c c' A', INR (o_m o) + 1 <= 1099511627776 -> step_op x o c A = Some (c', A') -> fin c' ->
  (forall j, (j < n)%nat -> fin (nat_at A' j)) ->
  fin c /\ (forall j, (j < n + o_count o)%nat -> fin (nat_at A j)) /\ size A' = size A /\
  V c' + form A' n y <= V c + form A (n + o_count o) y.
Proof.
  intros y x n o H A Hr c c' A' HM Hs. unfold sound_step, o_count, step_op in *. pose proof (groups_step y n o) as G.
  destruct (o_groups o) as [| g groups]; [| now apply G].
  rewrite quick_is_sweep_op in Hs by (try exact (so_shape _ _ _ _ H); try exact (so_cols _ _ _ _ H);
    intros e He; pose proof (so_below _ _ _ _ H e He); lia).
  now apply (operator_step y x).
Qed.
