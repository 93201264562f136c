(* The rows that a context gives to a sweep at a softmax are sound, and with RowSound
   those of every operator: layer_step_sound. Relies on RowSound and Groups. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows Lines SoftmaxRows Store Sweep Groups Backward
  Layers LayerSound RowSound.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

Lemma groups_from_facts : forall gs e, room_for (idx e + length (concat gs)) ->
  map idx (concat (groups_from e gs)) = seq (idx e) (length (concat gs)) /\ length (concat (groups_from e gs)) = length (concat gs) /\
  length (groups_from e gs) = length gs.
Proof.
  induction gs as [| g gs IH]; intros e Hr; [auto |]. cbn [groups_from concat length] in *. rewrite !app_length in *.
  destruct (ints_from_app (length g) (length (concat gs)) e Hr) as (_ & Hi).
  destruct (IH (e + int_of (length g))%uint63) as (I1 & I2 & I3); [rewrite Hi; unfold room_for in *; lia |].
  rewrite map_app, ints_from_idx by (unfold room_for in *; lia). rewrite I1, I2, I3, Hi, ints_from_length, seq_app. auto.
Qed.

(* Each group of elements with what its sources have *)
Lemma groups_from_each : forall (B : Type) (y : execution) (P : list int -> list R -> Prop) (h : list int -> B) gs e,
  room_for (idx e + length (concat gs)) -> each_group y P gs (idx e) ->
  forall own b, In (own, b) (combine (groups_from e gs) (map h gs)) ->
  exists g, In g gs /\ b = h g /\ P g (map (fun f => y (idx f)) own).
Proof.
  intros B y P h. induction gs as [| g gs IH]; intros e Hr H own b Hin; [easy |].
  cbn [groups_from concat map combine] in *. rewrite app_length in Hr. destruct H as (H0 & H). destruct Hin as [Heq | Hin].
  - injection Heq as <- <-. exists g. split; [now left |]. split; [reflexivity |].
    rewrite <- (map_map idx y), ints_from_idx by (unfold room_for in *; lia). exact H0.
  - destruct (ints_from_app (length g) (length (concat gs)) e Hr) as (_ & Hi).
    destruct (IH (e + int_of (length g))%uint63) with (own := own) (b := b) as (g' & Hg & Hb & HP); auto.
    + rewrite Hi. unfold room_for in *. lia.
    + now rewrite Hi.
    + exists g'. split; [now right | auto].
Qed.

Section Layer.
  Variables (s : semantics) (y : execution) (l : layer) (tot : int).
  Hypothesis ok : layer_ok l = true.
  Hypothesis shape : exists ranges, l = make_layer tot (l_first l) ranges (l_op l).
  Hypothesis holds : operator_holds y s (l_op l) (idx (l_first l)).
  Hypothesis array_fits : size (PArray.make tot O) = idx tot.
  Let n := idx (l_first l).
  Hypothesis fits : (n + count (l_op l) <= idx tot)%nat.
  Variable b : bounds.
  Variable k : nat.
  Hypothesis good_b : good b y k (idx tot).
  Hypothesis enough : (n <= k)%nat.

  Theorem layer_step_sound : forall sl o sl', layer_sop s b l sl = (o, sl') ->
    sound_step y (read (bx b)) n o /\ o_count o = count (l_op l) /\ idx (o_first o) = n /\ (Z.of_nat (o_m o) <= 2 ^ 39)%Z.
  Proof.
    intros sl o sl' H.
    assert (Hcase : own_groups l = [] \/ exists gs, l_op l = Softmax gs) by (unfold own_groups; destruct (l_op l); eauto).
    destruct Hcase as [Hown | (gs & Hop)].
    - assert (Hg : o_groups o = []).
      { unfold layer_sop in H. destruct (layer_rows s b l sl) as [rows sl1]. injection H as <- _. exact Hown. }
      unfold sound_step, o_count. rewrite Hg.
      exact (layer_sop_sound s y l tot ok shape holds array_fits fits b k good_b enough sl o sl' Hown H).
    - assert (shape' : exists total ranges, l = make_layer total (l_first l) ranges (l_op l)) by (destruct shape as (r & E); now exists tot, r).
      destruct (layer_facts l ok shape') as (_ & _ & _ & Hroom & _ & Hm & Hterms). fold n in Hroom.
      destruct (largest_x_facts y l (idx tot) ok shape' fits b k good_b enough) as (_ & X0 & _).
      pose proof (elements_shape l shape') as Hels. pose proof ok as Hok. unfold layer_ok in Hok. apply andb_prop in Hok. destruct Hok as (_ & Hok).
      assert (Em : l_m l = length (concat gs)) by (destruct shape as (r & E); rewrite E; cbn [l_m make_layer]; now rewrite Hop).
      unfold layer_sop, layer_rows, own_groups in H. rewrite Hop in *. cbn [operator_holds count] in *. injection H as <- _.
      apply andb_prop in Hok. destruct Hok as (Hsome & Hok). rewrite forallb_forall in Hok.
      assert (Hne : (1 <= length gs <= length (concat gs))%nat).
      { split; [destruct gs; [discriminate Hsome | cbn; lia] |]. clear - Hok. induction gs as [| g gs IH]; [cbn; lia |].
        cbn [concat length]. rewrite app_length. specialize (IH (fun h Hh => Hok h (or_intror Hh))). specialize (Hok g (or_introl eq_refl)).
        unfold group_ok in Hok. apply andb_prop in Hok. destruct Hok as (Hok & _). apply andb_prop in Hok. destruct Hok as (Hok & _).
        apply Nat.leb_le in Hok. lia. }
      destruct (groups_from_facts gs (l_first l) Hroom) as (G1 & G2 & G3). fold n in G1.
      set (rows := map (fun g => line_row (l_m l) (softmax_error s g) 0 0%uint63 (Line 0 0 1 1)) gs) in *.
      assert (Hsnd : map snd (combine (l_elements l) rows) = rows).
      { assert (Hl : (length rows <= length (l_elements l))%nat) by (unfold rows; rewrite Hels, map_length, ints_from_length; lia).
        revert Hl. clear. generalize (l_elements l) as els. induction rows as [| r rows IH]; intros [| e els] Hl; cbn in *; try lia; [reflexivity | reflexivity |].
        f_equal. apply IH. lia. }
      unfold sound_step, o_count. cbn [o_groups o_first o_m].
      assert (Hmain : sound_groups y n (Sop (l_first l) (combine (l_elements l) rows) (l_m l)
        (tau * (1 + float_of_nat (l_terms l) * largest_x b (l_read l)))%float (l_read l) (l_shape l) (groups_from (l_first l) gs))).
      { constructor; cbn [o_groups o_first o_m o_rows o_under o_read].
        - now rewrite G2.
        - intros e He. apply in_concat in He. destruct He as (own & Hown & He).
          destruct (In_nth _ _ [] Hown) as (i & Hi & Hnth).
          destruct (groups_from_each _ y _ (fun g => g) gs (l_first l) Hroom holds own (nth i gs [])) as (g & Hg & _ & HP).
          { rewrite map_id, <- Hnth, <- combine_nth by exact G3. apply nth_In. rewrite combine_length. lia. }
          destruct (softmax_error_facts y s g _ (Hok g Hg) HP) as (_ & _ & Hall & _). rewrite Forall_forall in Hall. apply Hall.
          now apply (in_map (fun f => y (idx f))).
        - lia.
        - lia.
        - rewrite combine_length, Hels, ints_from_length. unfold rows. rewrite map_length. lia.
        - rewrite Hsnd. intros own r Hin. destruct (groups_from_each _ y _ _ gs (l_first l) Hroom holds own r Hin) as (g & Hg & -> & HP).
          split; [| split; reflexivity]. apply row_without_terms_sound; [exact Hm |]. intros _. rewrite V_1.
          destruct (softmax_error_facts y s g _ (Hok g Hg) HP) as (_ & E0 & _ & Hsum). split; [exact E0 |].
          rewrite sum_map in Hsum. exact Hsum.
        - intros F. destruct (mul_fin _ _ F) as (_ & F1 & _). destruct (add_fin _ _ F1) as (_ & F2 & _).
          destruct (float_of_nat_V (l_terms l)) as (_ & VN); [lia |]. pose proof (pos_INR (l_terms l)) as HN0.
          assert (P2 : 0 <= V (float_of_nat (l_terms l) * largest_x b (l_read l))%float) by (apply mul_sign; auto; rewrite VN; lra).
          destruct (add_pos _ _ F1) as (_ & _ & (E1 & _)); [rewrite V_1; lra | exact P2 |]. rewrite V_1 in E1.
          pose proof tau_positive. pose proof tau_w. pose proof w_positive.
          assert (P1 : 3 / 4 <= V (1 + float_of_nat (l_terms l) * largest_x b (l_read l))%float) by numeric.
          destruct (mul_pos _ _ F) as (_ & _ & (E0 & _)); [rewrite V_tau; lra | lra |]. rewrite V_tau in E0.
          assert (tauR * (3 / 4) <= tauR * V (1 + float_of_nat (l_terms l) * largest_x b (l_read l))%float) by (apply Rmult_le_compat_l; lra).
          numeric. }
      destruct (groups_from (l_first l) gs) as [| g0 gs0] eqn:Hgs; [cbn in G3; lia |].
      split; [exact Hmain |]. split; [exact G2 |]. split; [reflexivity | lia].
  Qed.
End Layer.
