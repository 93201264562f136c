(* Contexts hold what they claim: bounds that the rules of section 6 give hold at
   every execution, and so do the rows that a sweep reads. Relies on Layers. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows Lines SoftmaxRows Sigmoid Store Sweep Backward Layers.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

(* Bounds of element e hold at y: as far as they are finite, and altogether. *)
Definition weak (b : bounds) (y : execution) (e : int) : Prop :=
  (fin (read (blo b) e) -> V (read (blo b) e) <= y (idx e)) /\ (fin (read (bhi b) e) -> y (idx e) <= V (read (bhi b) e)).

Definition strong (b : bounds) (y : execution) (e : int) : Prop :=
  fin (read (blo b) e) /\ fin (read (bhi b) e) /\ fin (read (bx b) e) /\
  V (read (blo b) e) <= y (idx e) <= V (read (bhi b) e) /\
  Rabs (V (read (blo b) e)) <= V (read (bx b) e) /\ Rabs (V (read (bhi b) e)) <= V (read (bx b) e).

(* The first n elements have finite bounds. *)
Definition good (b : bounds) (y : execution) (n total : nat) : Prop :=
  size (blo b) = total /\ size (bhi b) = total /\ size (bx b) = total /\
  (forall e, (idx e < total)%nat -> weak b y e) /\ (forall e, (idx e < n)%nat -> (idx e < total)%nat -> strong b y e).

Lemma strong_size : forall b y e, strong b y e -> Rabs (y (idx e)) <= V (read (bx b) e).
Proof.
  intros b y e (_ & _ & _ & H & H1 & H2). apply Rabs_le. apply Rabs_le_inv in H1. apply Rabs_le_inv in H2. lra.
Qed.

Lemma strong_weak : forall b y e, strong b y e -> weak b y e.
Proof. intros b y e (_ & _ & _ & H & _). split; intros; lra. Qed.

Lemma read_write : forall (a : PArray.array float) e v f, (idx e < size a)%nat -> (idx f < size a)%nat ->
  read (write a e v) f = if Nat.eqb (idx f) (idx e) then v else read a f.
Proof. intros. rewrite !get_nat_at. now apply nat_at_write. Qed.

Lemma set_bounds_good : forall b y n total e l h k, good b y n total -> (idx e < total)%nat ->
  fin l -> fin h -> V l <= y (idx e) <= V h -> (k <= Nat.max n (S (idx e)))%nat -> (idx e <= n)%nat ->
  good (set_bounds b e l h) y k total.
Proof.
  intros b y n total e l h k (S1 & S2 & S3 & Hw & Hs) He Fl Fh Hy Hk Hen.
  assert (Hse : strong (set_bounds b e l h) y e).
  { unfold strong, set_bounds. cbn [blo bhi bx]. rewrite !read_write by lia. rewrite Nat.eqb_refl.
    destruct (most_V (abs l) (abs h)) as (F & M1 & M2); try now apply abs_fin. rewrite !abs_V in *. tauto. }
  assert (Hne : forall f, (idx f < total)%nat -> idx f <> idx e ->
    read (blo (set_bounds b e l h)) f = read (blo b) f /\ read (bhi (set_bounds b e l h)) f = read (bhi b) f /\
    read (bx (set_bounds b e l h)) f = read (bx b) f).
  { intros f Hf Hn. unfold set_bounds. cbn [blo bhi bx]. rewrite !read_write by lia.
    destruct (Nat.eqb_spec (idx f) (idx e)); [contradiction | auto]. }
  assert (Hkeep : forall f, (idx f < total)%nat -> idx f <> idx e ->
    (weak b y f -> weak (set_bounds b e l h) y f) /\ (strong b y f -> strong (set_bounds b e l h) y f)).
  { intros f Hf Hn. destruct (Hne f Hf Hn) as (R1 & R2 & R3). unfold weak, strong. rewrite R1, R2, R3. tauto. }
  split; [cbn; now rewrite size_write |]. split; [cbn; now rewrite size_write |]. split; [cbn; now rewrite size_write |].
  split.
  - intros f Hf. destruct (Nat.eq_dec (idx f) (idx e)) as [E | E].
    + apply idx_injective in E. subst. now apply strong_weak.
    + apply (Hkeep f Hf E). now apply Hw.
  - intros f Hf Hft. destruct (Nat.eq_dec (idx f) (idx e)) as [E | E].
    + apply idx_injective in E. now subst.
    + apply (Hkeep f Hft E). apply Hs; lia.
Qed.

(* Intersecting with bounds that hold keeps all bounds true; the element has finite ones
   afterwards if that is checked. *)
Lemma meet_values : forall b y e l h, weak b y e -> (fin l -> V l <= y (idx e)) -> (fin h -> y (idx e) <= V h) ->
  let l' := if is_finite l && (read (blo b) e <? l)%float then l else read (blo b) e in
  let h' := if is_finite h && (h <? read (bhi b) e)%float then h else read (bhi b) e in
  (fin l' -> V l' <= y (idx e)) /\ (fin h' -> y (idx e) <= V h').
Proof.
  intros b y e l h (W1 & W2) Hl Hh l' h'. unfold l', h'. split.
  - destruct (is_finite l) eqn:F; cbn [andb]; [| exact W1]. destruct (read (blo b) e <? l)%float; [| exact W1].
    intros _. apply Hl. now apply finite_is_finite.
  - destruct (is_finite h) eqn:F; cbn [andb]; [| exact W2]. destruct (h <? read (bhi b) e)%float; [| exact W2].
    intros _. apply Hh. now apply finite_is_finite.
Qed.

(* An element that is among the first n anyway. *)
Lemma meet_good : forall b y n total e l h, good b y n total -> (idx e < n)%nat -> (n <= total)%nat ->
  (fin l -> V l <= y (idx e)) -> (fin h -> y (idx e) <= V h) -> good (meet b e l h) y n total.
Proof.
  intros b y n total e l h G He Hn Hl Hh. pose proof G as (S1 & S2 & S3 & Hw & Hs).
  assert (He' : (idx e < total)%nat) by lia.
  destruct (meet_values b y e l h (Hw e He') Hl Hh) as (A & B). destruct (Hs e He He') as (F1 & F2 & _).
  assert (F1' : fin (if is_finite l && (read (blo b) e <? l)%float then l else read (blo b) e)).
  { destruct (is_finite l) eqn:F; cbn [andb]; [| exact F1]. destruct (_ <? l)%float; [exact (finite_is_finite _ F) | exact F1]. }
  assert (F2' : fin (if is_finite h && (h <? read (bhi b) e)%float then h else read (bhi b) e)).
  { destruct (is_finite h) eqn:F; cbn [andb]; [| exact F2]. destruct (h <? _)%float; [exact (finite_is_finite _ F) | exact F2]. }
  unfold meet. apply set_bounds_good with (n := n); auto; lia.
Qed.

(* The element at n itself, with the check. *)
Lemma meet_good_next : forall b y n total e l h, good b y n total -> (idx e <= n)%nat -> (idx e < total)%nat ->
  (fin l -> V l <= y (idx e)) -> (fin h -> y (idx e) <= V h) -> finite_at (meet b e l h) e = true ->
  good (meet b e l h) y (Nat.max n (S (idx e))) total.
Proof.
  intros b y n total e l h G He Ht Hl Hh Hf. pose proof G as (S1 & S2 & S3 & Hw & Hs).
  destruct (meet_values b y e l h (Hw e Ht) Hl Hh) as (A & B).
  unfold finite_at, meet, set_bounds in Hf. cbn [blo bhi] in Hf. rewrite !read_write in Hf by lia. rewrite Nat.eqb_refl in Hf.
  apply andb_prop in Hf. destruct Hf as (F1 & F2). apply finite_is_finite in F1, F2.
  unfold meet. apply set_bounds_good with (n := n); auto.
Qed.

Lemma good_less : forall b y n k total, good b y n total -> (k <= n)%nat -> good b y k total.
Proof.
  intros b y n k total (S1 & S2 & S3 & Hw & Hs) Hk. unfold good. repeat (split; [assumption |]).
  intros e He Ht. apply Hs; [lia | exact Ht].
Qed.

(* ---- The bounds of the other operators *)

Lemma store_fold_good : forall (y : execution) total L e b0 k0 b', good b0 y k0 total -> (idx e <= k0)%nat -> room_for (idx e + length L) -> (idx e + length L <= total)%nat ->
  (forall f lh, In (f, lh) (combine (ints_from e (length L)) L) -> fin (fst lh) -> fin (snd lh) -> V (fst lh) <= y (idx f) <= V (snd lh)) ->
  fold_left store (combine (ints_from e (length L)) L) (Some b0) = Some b' -> good b' y (Nat.max k0 (idx e + length L)) total.
Proof.
  intros y total. induction L as [| lh L IH]; intros e b0 k0 b' G He Hr Ht Hb H.
  - injection H as <-. cbn. replace (Nat.max k0 (idx e + 0)) with k0 by lia. exact G.
  - cbn [length ints_from combine fold_left store] in *.
    destruct (is_finite (fst lh) && is_finite (snd lh)) eqn:Hf.
    2:{ exfalso. clear - H. assert (E : forall M, fold_left store M None = None) by (induction M; auto). rewrite E in H. discriminate. }
    apply andb_prop in Hf. destruct Hf as (F1 & F2). apply finite_is_finite in F1, F2.
    assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
    replace (Nat.max k0 (idx e + S (length L))) with (Nat.max (Nat.max k0 (S (idx e))) (idx (e + 1)%uint63 + length L)) by lia.
    eapply IH; try exact H; try (rewrite Hs; lia).
    + eapply set_bounds_good; eauto; try lia; apply Hb; auto; now left.
    + rewrite Hs. unfold room_for in *. lia.
    + intros f lh' Hin. apply Hb. now right.
Qed.

Lemma alpha_facts : forall alpha, alpha_ok alpha = true ->
  fin alpha /\ 0 <= V alpha <= 1 /\ (V alpha = 0 \/ p2 (-500) <= V alpha).
Proof.
  intros alpha H. unfold alpha_ok in H.
  repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
  apply finite_is_finite in H. apply leb_V in H2; auto using fin_0. apply leb_V in H1; auto using fin_1. rewrite V_0, V_1 in *.
  split; [exact H |]. split; [lra |]. apply Bool.orb_true_iff in H0. destruct H0 as [H0 | H0].
  - apply eqb_zero in H0. now left.
  - right. apply leb_V in H0; auto using fin_eta64. change (V 0x1p-126) with (V eta64) in H0. rewrite V_eta64 in H0.
    eapply Rle_trans; [| exact H0]. apply bpow_le. lia.
Qed.

Section Layer.
  Variables (s : semantics) (y : execution) (l : layer) (total : nat).
  Hypothesis ok : layer_ok l = true.
  Hypothesis shape : exists total ranges, l = make_layer total (l_first l) ranges (l_op l).
  Hypothesis holds : operator_holds y s (l_op l) (idx (l_first l)).
  Let n := idx (l_first l).
  Hypothesis fits : (n + count (l_op l) <= total)%nat.

  Lemma elements_shape : l_elements l = ints_from (l_first l) (count (l_op l)).
  Proof. destruct shape as (t & r & E). rewrite E. reflexivity. Qed.

  Section Context.
    Variable b : bounds.
    Variable k : nat.
    Hypothesis good_b : good b y k total.
    Hypothesis enough : (n <= k)%nat.

    Lemma source_strong : forall e, In e (sources_of (l_op l)) -> strong b y e.
    Proof.
      intros e He. destruct (layer_facts l ok shape) as (_ & Hb & Hs & _). specialize (Hb e (Hs e He)).
      destruct good_b as (_ & _ & _ & _ & G). apply G; fold n in Hb; lia.
    Qed.

    Lemma read_strong : forall e, In e (l_read l) -> strong b y e.
    Proof.
      intros e He. destruct (layer_facts l ok shape) as (_ & Hb & _). specialize (Hb e He).
      destruct good_b as (_ & _ & _ & _ & G). apply G; fold n in Hb; lia.
    Qed.

    Lemma largest_x_facts : fin (largest_x b (l_read l)) /\ 0 <= V (largest_x b (l_read l)) /\
      forall e, In e (l_read l) -> V (read (bx b) e) <= V (largest_x b (l_read l)).
    Proof.
      assert (G : forall cols m, fin m -> (forall e, In e cols -> fin (read (bx b) e)) ->
        let g := fold_left (fun m e => most m (read (bx b) e)) cols m in
        fin g /\ V m <= V g /\ forall e, In e cols -> V (read (bx b) e) <= V g).
      { clear. induction cols as [| e cols IH]; intros m Fm Hc; cbn [fold_left];
          [split; [exact Fm | split; [lra | easy]] |].
        destruct (most_V m (read (bx b) e) Fm (Hc e (or_introl eq_refl))) as (F & M1 & M2).
        destruct (IH _ F (fun f Hf => Hc f (or_intror Hf))) as (F' & A & B). split; [exact F' | split; [lra |]].
        intros f [<- | Hf]; [lra | now apply B]. }
      destruct (G (l_read l) 0%float fin_0) as (F & A & B).
      - intros e He. now destruct (read_strong e He) as (_ & _ & F & _).
      - rewrite V_0 in A. auto.
    Qed.

    Lemma derived_sound : forall e lh, In (e, lh) (combine (l_elements l) (derived s b (l_op l))) ->
      fin (fst lh) -> fin (snd lh) -> V (fst lh) <= y (idx e) <= V (snd lh).
    Proof.
      intros e lh Hin F1 F2. rewrite elements_shape in Hin. destruct (layer_facts l ok shape) as (_ & _ & _ & Hroom & _). fold n in Hroom.
      pose proof source_strong as Hsrc. unfold derived in Hin. pose proof ok as Hok. unfold layer_ok in Hok. apply andb_prop in Hok. destruct Hok as (_ & Hok).
      destruct (l_op l) as [factor rho rows | srcs | alpha srcs | srcs | srcs | ws | vs | gs] eqn:Hop; try discriminate Hok.
      - rewrite combine_nil in Hin. easy.
      - cbn [operator_holds count sources_of] in *.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        destruct (Hsrc a Ha) as (Fl & Fh & _ & Hb & _).
        now destruct (relu_bounds_sound (read (blo b) a) (read (bhi b) a) (y (idx a)) Fl Fh Hb s _ HP) as (_ & _ & B).
      - cbn [operator_holds count sources_of] in *.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        pose proof (strong_size _ _ _ (Hsrc a Ha)) as Hx.
        destruct (Hsrc a Ha) as (Fl & Fh & _ & Hb & _). destruct (alpha_facts alpha Hok) as (Fa & A1 & A2).
        now apply (leaky_relu_bounds_sound (read (blo b) a) (read (bhi b) a) (y (idx a)) Fl Fh Hb (read (bx b) a) alpha A1 A2 Hx s _ HP).
      - cbn [operator_holds count sources_of] in *.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        destruct (Hsrc a Ha) as (_ & _ & _ & Hb & _). now apply (sigmoid_bounds_sound (read (blo b) a) (read (bhi b) a) _ Hb s _ HP).
      - cbn [operator_holds count sources_of] in *.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        destruct (Hsrc a Ha) as (_ & _ & _ & Hb & _). now apply (tanh_bounds_sound (read (blo b) a) (read (bhi b) a) _ Hb s _ HP).
      - cbn [operator_holds count sources_of] in *.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        apply (maxpool_bounds_sound y (read (blo b)) (read (bhi b)) a) with (s := s); auto.
        intros e0 He0. destruct (Hsrc e0) as (Fl & Fh & _ & Hb & _); [apply in_flat_map; exists a; auto |]. repeat split; auto; apply Hb.
      - cbn [operator_holds count sources_of] in *.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP). cbn [fst snd]. rewrite HP. lra.
      - cbn [operator_holds count] in *. apply andb_prop in Hok. destruct Hok as (_ & Hok). rewrite forallb_forall in Hok.
        destruct (each_group_combine _ _ _ _ _ _ Hroom holds _ _ Hin) as (g & j & Hg & -> & HP & Hj).
        apply (softmax_bounds_sound y s g _ (Hok g Hg) HP); [| exact F2]. apply in_map, in_seq. lia.
    Qed.

    Lemma derived_length : derived s b (l_op l) = [] \/ length (derived s b (l_op l)) = count (l_op l).
    Proof.
      unfold derived. destruct (l_op l); cbn [count]; rewrite ?map_length; auto. right. apply softmax_bounds_length.
    Qed.

    Theorem store_derived_sound : forall b', store_derived s b l = Some b' -> good b' y k total /\
      (length (derived s b (l_op l)) = count (l_op l) -> good b' y (Nat.max k (n + count (l_op l))) total).
    Proof.
      intros b' H. unfold store_derived in H. pose proof derived_sound as Hd. rewrite elements_shape in *.
      destruct (layer_facts l ok shape) as (_ & _ & _ & Hroom & _). fold n in Hroom.
      destruct derived_length as [E | E].
      - rewrite E in *. rewrite combine_nil in H. injection H as <-. split; [exact good_b |]. intros <-. cbn.
        replace (Nat.max k (n + 0)) with k by lia. exact good_b.
      - assert (G : good b' y (Nat.max k (n + length (derived s b (l_op l)))) total).
        { rewrite <- E in H, Hd, Hroom. eapply store_fold_good; eauto. rewrite E. exact fits. }
        split; [eapply good_less; [exact G | lia] | intros _; now rewrite <- E].
    Qed.
  End Context.
End Layer.
