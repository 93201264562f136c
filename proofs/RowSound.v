(* The rows that a context gives to a sweep are sound: layer_sop_sound. Relies on
   LayerSound. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows Lines Sigmoid Store Sweep QuickSweep Backward Layers LayerSound.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

(* ---- A line as a row *)

Lemma line_row_sound : forall (m : nat) e x src ln y v g,
  (Z.of_nat m <= 2 ^ 30)%Z -> Rabs (at_element y src) <= V x ->
  (fin e -> 0 <= V e /\ Rabs (v - g) <= V e * (1 + 2 * d) + 20 * w) ->
  (line_finite ln = true -> V (s_lo ln) * at_element y src + V (k_lo ln) <= g <= V (s_hi ln) * at_element y src + V (k_hi ln)) ->
  sound_row (INR m) y (line_row m e x src ln) v.
Proof.
  intros m e x src ln y v g Hm Hx He Hln Fq. unfold line_row, side_sound in *. cbn [q b_lo b_hi t_lo t_hi] in *.
  destruct (line_finite ln) eqn:Hf; [| now apply nan_not_fin in Fq]. specialize (Hln eq_refl).
  pose proof Hf as Hf'. unfold line_finite in Hf'.
  repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
  repeat match goal with H : is_finite _ = true |- _ => apply finite_is_finite in H end.
  pose proof w_positive as Hw. pose proof tau_w as Htw. pose proof tau_positive as Htp.
  pose proof (length_bound _ Hm) as HM. pose proof (pos_INR m) as HM0.
  unfold row_q in *.
  assert (F1 : fin (e + (float_of_nat m + 4) * U * line_size ln x)%float) by apply (add_fin _ _ Fq).
  assert (Fe : fin e) by apply (add_fin _ _ F1). destruct (He Fe) as (E0 & E).
  assert (Fm : fin ((float_of_nat m + 4) * U * line_size ln x)%float) by apply (add_fin _ _ F1).
  destruct (mul_fin _ _ Fm) as (Fu & Fs & _).
  assert (Hu : V ((float_of_nat m + 4) * U)%float = (2 * INR m + 8) * d) by (apply units4_V; [lia | exact Fu]).
  (* the size covers both slopes *)
  destruct (most_V (abs (k_lo ln)) (abs (k_hi ln))) as (Fk & K1 & _); try now apply abs_fin.
  destruct (most_V (abs (s_lo ln)) (abs (s_hi ln))) as (Fsm & S1 & S2); try now apply abs_fin.
  rewrite !abs_V in *. pose proof (Rabs_pos (V (k_lo ln))). pose proof (Rabs_pos (V (s_lo ln))). pose proof (Rabs_pos (V (s_hi ln))).
  pose proof (Rabs_pos (at_element y src)) as Py.
  unfold line_size in *. destruct (add_fin _ _ Fs) as (_ & Fp & _).
  destruct (mul_pos _ _ Fp) as (_ & _ & (Ep & _)); [lra | lra |].
  assert (Pp : 0 <= V (most (abs (s_lo ln)) (abs (s_hi ln)) * x)%float) by (apply mul_sign; auto; lra).
  destruct (add_pos _ _ Fs) as (_ & _ & (Es & _)); [lra | exact Pp |].
  assert (Ps : 0 <= V (most (abs (k_lo ln)) (abs (k_hi ln)) + most (abs (s_lo ln)) (abs (s_hi ln)) * x)%float) by (apply add_sign; auto; lra).
  destruct (mul_pos _ _ Fm) as (_ & _ & (Em & _)); [rewrite Hu; numeric | exact Ps |]. rewrite Hu in Em.
  assert (Pm : 0 <= V ((float_of_nat m + 4) * U * (most (abs (k_lo ln)) (abs (k_hi ln)) + most (abs (s_lo ln)) (abs (s_hi ln)) * x))%float)
    by (apply mul_sign; auto; rewrite Hu; numeric).
  destruct (add_pos _ _ F1) as (_ & _ & (E1 & _)); auto.
  assert (P1 := add_sign _ _ F1 E0 Pm).
  destruct (add_pos _ _ Fq) as (_ & _ & (Eq & _)); [exact P1 | rewrite V_tau; lra |]. rewrite V_tau in Eq.
  assert (Pq := add_sign _ _ Fq P1 ltac:(rewrite V_tau; lra)).
  split; [exact Pq |].
  set (sz := V (most (abs (k_lo ln)) (abs (k_hi ln)) + most (abs (s_lo ln)) (abs (s_hi ln)) * x)%float) in *.
  set (Q := V (_ + tau)%float) in *.
  assert (Hroom : forall a, Rabs a <= V (most (abs (s_lo ln)) (abs (s_hi ln))) ->
    V e * (1 + 2 * d) + 20 * w + (2 * INR m + 2) * d * (Rabs a * Rabs (at_element y src)) + tauR / 2 <= Q * (1 + 6 * d)).
  { intros a Ha. set (z := Rabs a * Rabs (at_element y src)).
    assert (Hz : 0 <= z <= V (most (abs (s_lo ln)) (abs (s_hi ln))) * V x).
    { unfold z. pose proof (Rabs_pos a). split; [apply Rmult_le_pos; lra | apply Rmult_le_compat; lra]. }
    assert (Hsz : (1 - 2 * d) * z - 2 * w <= sz) by numeric.
    assert (Hp : (2 * INR m + 8) * d * ((1 - 2 * d) * z - 2 * w) <= (2 * INR m + 8) * d * sz).
    { apply Rmult_le_compat_l; [numeric | exact Hsz]. }
    assert (HMz : 0 <= INR m * z) by (apply Rmult_le_pos; lra).
    assert (HMw : 0 <= INR m * w <= 1073741824 * w) by (split; [apply Rmult_le_pos; lra | apply Rmult_le_compat_r; lra]).
    clear - Hp Em E1 Eq E0 Pm P1 HMz HMw Hz Hw Htw HM HM0. numeric. }
  split; intros _ _.
  - exists (V e * (1 + 2 * d) + 20 * w). apply Rabs_le_inv in E.
    destruct (s_lo ln =? 0)%float eqn:Hz.
    + apply eqb_zero in Hz. destruct Hz as (_ & Hz). rewrite Hz in Hln. cbn [weighted_sum absolute_sum].
      unfold weighted_sum, absolute_sum, sum. cbn [fold_right]. specialize (Hroom 0). rewrite Rabs_R0 in Hroom. specialize (Hroom ltac:(lra)).
      split; lra.
    + unfold weighted_sum, absolute_sum, sum. cbn [fold_right fst snd]. specialize (Hroom (V (s_lo ln)) ltac:(lra)). split; lra.
  - exists (V e * (1 + 2 * d) + 20 * w). apply Rabs_le_inv in E.
    destruct (s_hi ln =? 0)%float eqn:Hz.
    + apply eqb_zero in Hz. destruct Hz as (_ & Hz). rewrite Hz in Hln.
      unfold weighted_sum, absolute_sum, sum. cbn [fold_right]. specialize (Hroom 0). rewrite Rabs_R0 in Hroom. specialize (Hroom ltac:(lra)).
      split; lra.
    + unfold weighted_sum, absolute_sum, sum. cbn [fold_right fst snd]. specialize (Hroom (V (s_hi ln)) ltac:(lra)). split; lra.
Qed.

(* A row without terms: a value within e of v. *)
Lemma row_without_terms_sound : forall (m : nat) e v y value, (Z.of_nat m <= 2 ^ 30)%Z -> (fin e -> 0 <= V e /\ Rabs (value - V v) <= V e) ->
  sound_row (INR m) y (line_row m e 0 0%uint63 (Line 0 0 v v)) value.
Proof.
  intros m e v y value Hm He. set (y0 := fun i : nat => if Nat.eqb i O then 0 else y i).
  assert (S0 : sound_row (INR m) y0 (line_row m e 0 0%uint63 (Line 0 0 v v)) value).
  { apply line_row_sound with (g := V v); [exact Hm | | |].
    - unfold at_element, y0. change (idx 0%uint63) with O. cbn [Nat.eqb]. rewrite Rabs_R0, V_0. lra.
    - intros F. destruct (He F) as (E0 & E). pose proof w_positive. split; [exact E0 |].
      assert (0 <= V e * d) by (apply Rmult_le_pos; numeric). lra.
    - intros _. cbn [s_lo s_hi k_lo k_hi]. rewrite V_0. lra. }
  exact S0.
Qed.

(* ---- Counting terms *)

Lemma size_counts : forall (a : PArray.array nat) cols, size (fold_left (fun a e => write a e (S (read a e))) cols a) = size a.
Proof. intros a cols. revert a. induction cols as [| e cols IH]; intros a; [reflexivity |]. cbn [fold_left]. rewrite IH. apply size_write. Qed.

Lemma counts_value : forall cols (a : PArray.array nat) j, (forall e, In e cols -> (idx e < size a)%nat) -> (j < size a)%nat ->
  nat_at (fold_left (fun a e => write a e (S (read a e))) cols a) j
  = (nat_at a j + length (filter (fun e => Nat.eqb (idx e) j) cols))%nat.
Proof.
  induction cols as [| e cols IH]; intros a j Hc Hj; [cbn; lia |]. cbn [fold_left filter].
  rewrite IH.
  - rewrite nat_at_write by (auto; apply Hc; now left). rewrite (Nat.eqb_sym j).
    destruct (Nat.eqb_spec (idx e) j) as [<- | Hne]; [rewrite get_nat_at; cbn [length]; lia | lia].
  - intros. rewrite size_write. apply Hc. now right.
  - now rewrite size_write.
Qed.

Lemma fold_max_le : forall (f : int -> nat) l m e, In e l -> (f e <= fold_left (fun m e => Nat.max m (f e)) l m)%nat.
Proof.
  assert (G : forall (f : int -> nat) l m, (m <= fold_left (fun m e => Nat.max m (f e)) l m)%nat).
  { induction l as [| a l IH]; intros m; [cbn; lia |]. cbn [fold_left]. specialize (IH (Nat.max m (f a))). lia. }
  induction l as [| a l IH]; intros m e Hin; [easy |]. cbn [fold_left]. destruct Hin as [-> | Hin]; [| now apply IH].
  specialize (G f l (Nat.max m (f e))). lia.
Qed.

Lemma filter_map_length : forall A B (f : B -> bool) (g : A -> B) l, length (filter f (map g l)) = length (filter (fun a => f (g a)) l).
Proof. induction l as [| a l IH]; [reflexivity |]. cbn [map filter]. destruct (f (g a)); cbn [length]; now rewrite IH. Qed.

Lemma map_flat_map : forall A B C (g : B -> C) (f : A -> list B) l, map g (flat_map f l) = flat_map (fun a => map g (f a)) l.
Proof. induction l as [| a l IH]; [reflexivity |]. cbn [flat_map]. now rewrite map_app, IH. Qed.

(* ---- The rows of a layer *)

Lemma line_row_place : forall m e x src ln, at_most_one src (t_lo (line_row m e x src ln)) /\ at_most_one src (t_hi (line_row m e x src ln)).
Proof.
  intros. unfold line_row, at_most_one. cbn [t_lo t_hi].
  split; [destruct (s_lo ln =? 0)%float | destruct (s_hi ln =? 0)%float]; ((now left) || (right; eexists; reflexivity)).
Qed.

Lemma diagonal_rows : forall (f : slope -> int -> srow) b,
  (forall r e, at_most_one e (t_lo (f r e)) /\ at_most_one e (t_hi (f r e))) ->
  forall srcs els sl rows sl', hinge_rows f b srcs sl = (rows, sl') -> length els = length srcs ->
  Forall2 (fun e (er : int * srow) => at_most_one e (t_lo (snd er)) /\ at_most_one e (t_hi (snd er))) srcs (combine els rows).
Proof.
  intros f b Hf. induction srcs as [| e srcs IH]; intros els sl rows sl' H Hl.
  - destruct els; [| discriminate]. constructor.
  - destruct els as [| e' els]; [discriminate |]. cbn [hinge_rows] in H. destruct (take_slope b e sl) as [r sl1].
    destruct (hinge_rows f b srcs sl1) as [rows1 sl2] eqn:H1. injection H as <- <-. cbn [combine].
    constructor; [apply Hf | eapply IH; eauto].
Qed.

Lemma rows_shape : forall s b l sl rows sl' first under groups, layer_rows s b l sl = (rows, sl') -> length (l_elements l) = count (l_op l) ->
  (exists total ranges, l = make_layer total (l_first l) ranges (l_op l)) ->
  shape_ok (Sop first (combine (l_elements l) rows) (l_m l) under (l_read l) (l_shape l) groups).
Proof.
  intros s b l sl rows sl' first under groups H Hels (total & ranges & E). unfold shape_ok. cbn [o_shape o_rows o_read].
  assert (Es : l_shape l = shape_of (l_op l) (l_read l)) by (rewrite E; reflexivity). rewrite Es. unfold layer_rows, shape_of in *.
  assert (Er : l_rows l = match l_op l with Affine _ _ rows => map compile_row rows | _ => [] end) by (rewrite E; reflexivity).
  clear E Es. destruct (l_op l) as [factor rho rows0 | srcs | alpha srcs | srcs | srcs | ws | vs | gs]; try exact I.
  - destruct (forallb _ rows0) eqn:Hsame; [| clear Hsame; destruct (diagonal_terms (l_read l) rows0) eqn:Hd; [| exact I]].
    2:{ injection H as <- <-. cbn [count] in Hels. rewrite Er, map_map. generalize (largest_x b (l_read l)) as xm. intros xm. clear Er.
        revert Hd Hels. generalize (l_read l) as rd, (l_elements l) as els. induction rows0 as [| r rows0 IH]; intros [| e rd] els Hd Hels; try discriminate.
        - destruct els; [constructor | discriminate].
        - destruct els as [| e' els]; [discriminate |]. cbn [diagonal_terms] in Hd. apply andb_prop in Hd. destruct Hd as (Hr & Hd).
          cbn [map combine]. constructor; [| apply IH; [exact Hd | now injection Hels]]. unfold affine_row, at_most_one. cbn [snd t_lo t_hi].
          change (source (compile_row r)) with r. destruct (terms r) as [| [f v] [| u t]]; [| | discriminate]; [split; now left |].
          apply eqb_spec in Hr. cbn [fst] in Hr. subst f. split; right; now exists v. }
    rewrite forallb_forall in Hsame. injection H as <- <-. cbn [count] in Hels.
    rewrite Er, map_map. set (g := fun r => affine_row (l_m l) s factor rho (largest_x b (l_read l)) b (compile_row r)).
    change (map (fun r => affine_row (l_m l) s factor rho (largest_x b (l_read l)) b (compile_row r)) rows0) with (map g rows0).
    clear Er. revert Hels Hsame. generalize (l_elements l) as els. induction rows0 as [| r rows0 IH]; intros els Hels Hsame.
    + destruct els; [| discriminate]. split; [reflexivity | constructor].
    + destruct els as [| e els]; [discriminate |]. cbn [map combine]. destruct (IH els) as (I1 & I2);
        [cbn in Hels; lia | intros; apply Hsame; now right |].
      split; [cbn [map snd]; f_equal; exact I1 |]. constructor; [| exact I2]. cbn [snd]. unfold g, affine_row. cbn [t_hi t_lo].
      split; [reflexivity |]. apply same_ints_eq, Hsame. now left.
  - destruct (same_ints srcs (l_read l)) eqn:Hs; [| exact I]. apply same_ints_eq in Hs. rewrite <- Hs.
    eapply diagonal_rows; [| exact H | exact Hels]. intros. apply line_row_place.
  - destruct (same_ints srcs (l_read l)) eqn:Hs; [| exact I]. apply same_ints_eq in Hs. rewrite <- Hs.
    eapply diagonal_rows; [| exact H | exact Hels]. intros. apply line_row_place.
Qed.

Definition rows_sound (y : execution) (m N : nat) (srcs els : list int) (rows : list srow) : Prop :=
  length rows = length els /\
  (forall e r, In (e, r) (combine els rows) -> sound_row (INR m) y r (y (idx e))) /\
  (forall pick t, In t (picked pick (combine els rows)) -> In (fst t) srcs) /\
  (forall pick, (length (picked pick (combine els rows)) <= N)%nat) /\
  (forall pick j, (length (filter (fun t => Nat.eqb (idx (fst t)) j) (picked pick (combine els rows))) <= m)%nat).

(* Rows of at most one term each *)
Lemma short_rows_sound : forall y m srcs els rows, length rows = length els -> length els = m ->
  (forall e r, In (e, r) (combine els rows) -> sound_row (INR m) y r (y (idx e))) ->
  (forall r, In r rows -> (length (t_lo r) <= 1)%nat /\ (length (t_hi r) <= 1)%nat /\
    forall t, In t (t_lo r) \/ In t (t_hi r) -> In (fst t) srcs) ->
  rows_sound y m m srcs els rows.
Proof.
  intros y m srcs els rows Hl Hm Hs Hr.
  assert (Hlen : forall pick, (length (picked pick (combine els rows)) <= length rows)%nat).
  { intros pick. clear Hs Hl Hm. revert els. induction rows as [| r rows IH]; intros els; [destruct els; cbn; lia |].
    destruct els as [| e els]; [cbn; lia |]. cbn [combine picked flat_map]. rewrite app_length. cbn [length snd].
    specialize (IH (fun r' Hr' => Hr r' (or_intror Hr')) els). unfold picked in IH. destruct (Hr r (or_introl eq_refl)) as (A & B & _).
    destruct (pick (e, r)); lia. }
  split; [exact Hl |]. split; [exact Hs |]. split; [| split].
  - intros pick t Hin. unfold picked in Hin. apply in_flat_map in Hin. destruct Hin as ([e r] & Her & Ht).
    apply in_combine_r in Her. destruct (Hr r Her) as (_ & _ & G). apply G. cbn [snd] in Ht. destruct (pick (e, r)); auto.
  - intros pick. specialize (Hlen pick). lia.
  - intros pick j. eapply Nat.le_trans; [apply filter_length_le |]. specialize (Hlen pick). lia.
Qed.

Lemma line_row_terms : forall m e x src ln srcs, In src srcs ->
  (length (t_lo (line_row m e x src ln)) <= 1)%nat /\ (length (t_hi (line_row m e x src ln)) <= 1)%nat /\
  forall t, In t (t_lo (line_row m e x src ln)) \/ In t (t_hi (line_row m e x src ln)) -> In (fst t) srcs.
Proof.
  intros m e x src ln srcs Hin. unfold line_row. cbn [t_lo t_hi].
  destruct (s_lo ln =? 0)%float, (s_hi ln =? 0)%float; cbn; repeat split; try lia; intros t [H | H]; destruct H as [<- | []] || destruct H; exact Hin.
Qed.

Lemma hinge_rows_facts : forall f b srcs sl rows sl', hinge_rows f b srcs sl = (rows, sl') ->
  length rows = length srcs /\ forall r, In r rows -> exists sp a, In a srcs /\ r = f sp a.
Proof.
  induction srcs as [| a srcs IH]; intros sl rows sl' H; cbn [hinge_rows] in H; [injection H as <- <-; split; [reflexivity | easy] |].
  destruct (take_slope b a sl) as [sp sl1]. destruct (hinge_rows f b srcs sl1) as [rows1 sl2] eqn:E. injection H as <- <-.
  destruct (IH _ _ _ E) as (Hl & Hr). split; [cbn; now rewrite Hl |].
  intros r [<- | Hin]; [exists sp, a; split; [now left | reflexivity] |].
  destruct (Hr r Hin) as (sp' & a' & Ha & ->). exists sp', a'. split; [now right | reflexivity].
Qed.

Lemma hinge_rows_each : forall f b (y : execution) (P : int -> R -> Prop) srcs e sl rows sl', hinge_rows f b srcs sl = (rows, sl') ->
  room_for (idx e + length srcs) -> each y P srcs (idx e) ->
  forall g r, In (g, r) (combine (ints_from e (length srcs)) rows) -> exists sp a, In a srcs /\ r = f sp a /\ P a (y (idx g)).
Proof.
  induction srcs as [| a srcs IH]; intros e sl rows sl' H Hr He g r Hin; cbn [hinge_rows] in H; [now destruct rows |].
  destruct (take_slope b a sl) as [sp sl1]. destruct (hinge_rows f b srcs sl1) as [rows1 sl2] eqn:E. injection H as <- <-.
  cbn [length ints_from combine] in Hin. destruct He as (H0 & He). destruct Hin as [Heq | Hin].
  - injection Heq as <- <-. exists sp, a. split; [now left | auto].
  - cbn [length] in Hr. assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
    destruct (IH (e + 1)%uint63 sl1 rows1 sl2 E) with (g := g) (r := r) as (sp' & a' & Ha & Hf & HP); auto.
    + unfold room_for in *; lia.
    + now rewrite Hs.
    + exists sp', a'. split; [now right | auto].
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

  Lemma shape' : exists total ranges, l = make_layer total (l_first l) ranges (l_op l).
  Proof. destruct shape as (r & E). now exists tot, r. Qed.

  Lemma src_strong : forall e, In e (sources_of (l_op l)) -> strong b y e.
  Proof. exact (source_strong y l (idx tot) ok shape' fits b k good_b enough). Qed.

  Lemma affine_rows_sound : forall factor rho rows, l_op l = Affine factor rho rows ->
    rows_sound y (l_m l) (l_terms l) (sources_of (l_op l)) (l_elements l)
      (map (affine_row (l_m l) s factor rho (largest_x b (l_read l)) b) (l_rows l)).
  Proof.
    intros factor rho rows Hop.
    destruct (layer_facts l ok shape') as (_ & Hbelow & Hsub & Hroom & _ & Hm & HN). fold n in Hbelow, Hroom.
    destruct (largest_x_facts y l (idx tot) ok shape' fits b k good_b enough) as (Fx & X0 & Xall).
    pose proof src_strong as Hsrc. pose proof (elements_shape l shape') as Hels.
    pose proof ok as Hok. unfold layer_ok in Hok. apply andb_prop in Hok. destruct Hok as (_ & Hok). rewrite Hop in Hok.
    apply andb_prop in Hok. destruct Hok as (Hopok & Hrows). rewrite forallb_forall in Hrows.
    pose proof shape as (ranges & E).
    assert (Elr : l_rows l = map compile_row rows) by (rewrite E, Hop; reflexivity).
    assert (Em : l_m l = Nat.max (length rows) (most_in_column tot (sources_of (l_op l)) (l_read l))).
    { rewrite E at 1. cbn [l_m make_layer]. rewrite Hop at 1. rewrite E at 3. reflexivity. }
    assert (EN : l_terms l = length (sources_of (l_op l))) by (rewrite E at 1; cbn [l_terms make_layer]; now rewrite Hop at 1).
    rewrite Hop in holds, Hroom, fits. cbn [operator_holds count] in *. rewrite Hels, Hop. cbn [count].
    assert (Hpick : forall pick, picked pick (combine (ints_from (l_first l) (length rows)) (map (affine_row (l_m l) s factor rho (largest_x b (l_read l)) b) (l_rows l)))
      = flat_map terms rows).
    { intros pick. rewrite Elr. generalize (l_first l) as e. clear. induction rows as [| r rows IH]; intros e; [reflexivity |].
      cbn [length ints_from map combine]. unfold picked in *. cbn [flat_map snd]. rewrite IH. unfold affine_row at 1 2. cbn [t_lo t_hi source compile_row].
      destruct (pick _); reflexivity. }
    assert (Hsrcs : sources_of (Affine factor rho rows) = map fst (flat_map terms rows)) by (cbn; now rewrite map_flat_map).
    split; [rewrite map_length, Elr, map_length, ints_from_length; reflexivity |].
    split; [| split; [| split]].
    - intros e sr Hin. rewrite Elr, map_map in Hin.
      destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (r & Hr & -> & HP).
      assert (Hrok : row_ok (compile_row r) = true) by (apply Hrows; rewrite Elr; now apply in_map).
      assert (Hin_src : forall t, In t (terms r) -> In (fst t) (sources_of (l_op l))).
      { intros t Ht. rewrite Hop. cbn. apply in_flat_map. exists r. split; [exact Hr | now apply in_map]. }
      assert (within : forall t, In t (terms r) -> fin (read (bx b) (fst t)) /\ Rabs (at_element y (fst t)) <= V (read (bx b) (fst t))).
      { intros t Ht. specialize (Hsrc _ (Hin_src t Ht)). split; [apply Hsrc | now apply strong_size]. }
      assert (at_most : forall t, In t (terms r) -> Rabs (at_element y (fst t)) <= V (largest_x b (l_read l))).
      { intros t Ht. destruct (within t Ht) as (_ & W). specialize (Xall (fst t) (Hsub _ (Hin_src t Ht))). lra. }
      intros Fq. unfold affine_row in *. cbn [q b_lo b_hi t_lo t_hi source] in *. change (source (compile_row r)) with r in *.
      destruct (q_bound r Hrok (read (bx b)) (largest_x b (l_read l)) y within at_most X0 s factor rho Hopok (l_m l) ltac:(lia) Fq) as (Q0 & Q).
      pose proof (row_execution r Hrok (read (bx b)) y within s factor rho Hopok _ HP) as Hex. apply Rabs_le_inv in Hex.
      split; [exact Q0 |]. split; intros _ _; eexists; (split; [| exact Q]); lra.
    - intros pick t Hin. rewrite Hpick in Hin. rewrite Hsrcs. now apply in_map.
    - intros pick. rewrite Hpick, EN, Hop, Hsrcs, map_length. lia.
    - intros pick j. rewrite Hpick.
      replace (length (filter (fun t => Nat.eqb (idx (fst t)) j) (flat_map terms rows))) with
        (length (filter (fun e => Nat.eqb (idx e) j) (sources_of (l_op l)))) by (rewrite Hop, Hsrcs; apply filter_map_length).
      destruct (in_dec Nat.eq_dec j (map idx (l_read l))) as [Hj | Hj].
      + apply in_map_iff in Hj. destruct Hj as (e & <- & He). rewrite Em. eapply Nat.le_trans; [| apply Nat.le_max_r].
        unfold most_in_column. eapply Nat.le_trans; [| apply (fold_max_le _ _ _ e He)].
        unfold column_counts. rewrite get_nat_at, counts_value.
        * rewrite nat_at_make. lia.
        * intros f Hf. rewrite array_fits. specialize (Hbelow f (Hsub f Hf)). lia.
        * rewrite array_fits. specialize (Hbelow e He). lia.
      + replace (length (filter (fun e => Nat.eqb (idx e) j) (sources_of (l_op l)))) with O; [lia |].
        symmetry. apply length_zero_iff_nil. destruct (filter _ _) as [| e f] eqn:Ef; [reflexivity |]. exfalso. apply Hj.
        assert (Hin : In e (filter (fun e => Nat.eqb (idx e) j) (sources_of (l_op l)))) by (rewrite Ef; now left).
        apply filter_In in Hin. destruct Hin as (Hin & Heq). apply Nat.eqb_eq in Heq. subst. now apply in_map, Hsub.
  Qed.

  Lemma relu_error_facts : forall z v, relu_holds s z v -> fin (relu_error s) ->
    0 <= V (relu_error s) /\ Rabs (v - Rmax 0 z) <= V (relu_error s) * (1 + 2 * d) + 20 * w.
  Proof.
    intros z v H _. destruct (relu_distance z s v H) as (D1 & _ & D2). split; [exact D2 |]. pose proof w_positive.
    assert (0 <= V (relu_error s) * d) by (apply Rmult_le_pos; numeric). lra.
  Qed.

  Lemma curve_rows_sound : forall f lines srcs,
    (forall l h x, V l <= x <= V h -> line_finite (lines l h) = true ->
      V (s_lo (lines l h)) * x + V (k_lo (lines l h)) <= f x <= V (s_hi (lines l h)) * x + V (k_hi (lines l h))) ->
    (Z.of_nat (length srcs) <= 2 ^ 30)%Z -> room_for (n + length srcs) ->
    each y (fun e v => curve_holds s f (at_element y e) v) srcs n -> (forall e, In e srcs -> strong b y e) ->
    rows_sound y (length srcs) (length srcs) srcs (ints_from (l_first l) (length srcs))
      (map (fun e => line_row (length srcs) (curve_error s) (read (bx b) e) e (lines (read (blo b) e) (read (bhi b) e))) srcs).
  Proof.
    intros f lines srcs Hlines Hm Hroom Hheld Hsrc. apply short_rows_sound.
    - now rewrite map_length, ints_from_length.
    - apply ints_from_length.
    - intros e r Hin. destruct (each_combine_map _ _ _ _ _ _ _ Hroom Hheld _ _ Hin) as (a & Ha & -> & HP).
      apply line_row_sound with (g := f (at_element y a)); auto.
      + now apply strong_size, Hsrc.
      + intros _. destruct (curve_error_V _ _ _ _ HP) as ((E0 & _) & E). pose proof w_positive.
        assert (0 <= V (curve_error s) * d) by (apply Rmult_le_pos; numeric). split; lra.
      + destruct (Hsrc a Ha) as (_ & _ & _ & Hb & _). now apply Hlines.
    - intros r Hin. apply in_map_iff in Hin. destruct Hin as (a & <- & Ha). now apply line_row_terms.
  Qed.

  Theorem layer_rows_sound : forall sl rows sl', own_groups l = [] -> layer_rows s b l sl = (rows, sl') ->
    rows_sound y (l_m l) (l_terms l) (sources_of (l_op l)) (l_elements l) rows.
  Proof.
    intros sl rows sl' Hgroups H. unfold layer_rows in H.
    destruct (layer_facts l ok shape') as (_ & _ & _ & Hroom & _ & Hm & _). fold n in Hroom.
    pose proof src_strong as Hsrc. pose proof (elements_shape l shape') as Hels. pose proof affine_rows_sound as Haffine.
    pose proof shape as (ranges & E). pose proof ok as Hok. unfold layer_ok in Hok. apply andb_prop in Hok. destruct Hok as (_ & Hok).
    destruct (l_op l) as [factor rho rows0 | srcs | alpha srcs | srcs | srcs | ws | vs | gs] eqn:Hop.
    - injection H as <- <-. exact (Haffine _ _ _ eq_refl).
    - assert (Em : l_m l = length srcs /\ l_terms l = length srcs) by (rewrite E; split; reflexivity). destruct Em as (Em & EN).
      rewrite Em, EN in *. cbn [operator_holds count sources_of] in *. destruct (hinge_rows_facts _ _ _ _ _ _ H) as (Hl & Hr).
      apply short_rows_sound.
      + now rewrite Hels, ints_from_length.
      + now rewrite Hels, ints_from_length.
      + intros e r Hin. rewrite Hels in Hin.
        destruct (hinge_rows_each _ _ _ _ _ _ _ _ _ H Hroom holds _ _ Hin) as (sp & a & Ha & -> & HP).
        pose proof (strong_size _ _ _ (Hsrc a Ha)) as Hx. destruct (Hsrc a Ha) as (Fl & Fh & _ & Hb & _).
        apply line_row_sound with (g := Rmax 0 (at_element y a)); auto.
        * now apply relu_error_facts.
        * intros Hfin. unfold line_finite in Hfin.
          repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
          apply relu_line_sound; auto; now apply finite_is_finite.
      + intros r Hin. destruct (Hr r Hin) as (sp & a & Ha & ->). now apply line_row_terms.
    - assert (Em : l_m l = length srcs /\ l_terms l = length srcs) by (rewrite E; split; reflexivity). destruct Em as (Em & EN).
      destruct (alpha_facts alpha Hok) as (Fa & A1 & A2).
      rewrite Em, EN in *. cbn [operator_holds count sources_of] in *. destruct (hinge_rows_facts _ _ _ _ _ _ H) as (Hl & Hr).
      apply short_rows_sound.
      + now rewrite Hels, ints_from_length.
      + now rewrite Hels, ints_from_length.
      + intros e r Hin. rewrite Hels in Hin.
        destruct (hinge_rows_each _ _ _ _ _ _ _ _ _ H Hroom holds _ _ Hin) as (sp & a & Ha & -> & HP).
        pose proof (strong_size _ _ _ (Hsrc a Ha)) as Hx. destruct (Hsrc a Ha) as (Fl & Fh & _ & Hb & _).
        apply line_row_sound with (g := leaky_relu (V alpha) (at_element y a)); auto.
        * intros Fe. exact (leaky_error_bound (at_element y a) (read (bx b) a) alpha A1 A2 Hx s _ HP Fe).
        * intros Hfin. unfold line_finite in Hfin.
          repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
          apply leaky_relu_line_sound; auto; now apply finite_is_finite.
      + intros r Hin. destruct (Hr r Hin) as (sp & a & Ha & ->). now apply line_row_terms.
    - assert (Em : l_m l = length srcs /\ l_terms l = length srcs) by (rewrite E; split; reflexivity). destruct Em as (Em & EN).
      injection H as <- <-. rewrite Em, EN, Hels in *. cbn [operator_holds count sources_of] in *. eapply curve_rows_sound; eauto using sigmoid_line_sound.
    - assert (Em : l_m l = length srcs /\ l_terms l = length srcs) by (rewrite E; split; reflexivity). destruct Em as (Em & EN).
      injection H as <- <-. rewrite Em, EN, Hels in *. cbn [operator_holds count sources_of] in *. eapply curve_rows_sound; eauto using tanh_line_sound.
    - assert (Em : l_m l = length ws /\ l_terms l = length ws) by (rewrite E; split; reflexivity). destruct Em as (Em & EN).
      injection H as <- <-. rewrite Em, EN in *. cbn [operator_holds count] in *.
      assert (Hw : forall a, In a ws -> (forall e, In e (fst a :: snd a) -> fin (read (blo b) e) /\ fin (read (bhi b) e) /\ V (read (blo b) e) <= at_element y e <= V (read (bhi b) e))).
      { intros a Ha e He. destruct (Hsrc e) as (Fl & Fh & _ & Hb & _); [apply in_flat_map; exists a; auto |]. auto. }
      assert (Hlead : forall a, In a ws -> In (fst (leader (read (blo b)) a)) (flat_map (fun w => fst w :: snd w) ws)).
      { intros a Ha. apply in_flat_map. exists a. split; [exact Ha |]. eapply (leader_elements y (read (blo b)) (read (bhi b)) a (Hw a Ha)). now left. }
      apply short_rows_sound.
      + now rewrite map_length, Hels, ints_from_length.
      + now rewrite Hels, ints_from_length.
      + intros e r Hin. rewrite Hels in Hin.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        pose proof (strong_size _ _ _ (Hsrc _ (Hlead a Ha))) as Hx. cbv zeta.
        apply line_row_sound with (g := greatest y a); auto.
        * intros _. pose proof eta_positive. pose proof w_positive. unfold maxpool_holds, relu_error in *. destruct s.
          -- subst. rewrite HP, V_0. replace (greatest y a - greatest y a) with 0 by ring. rewrite Rabs_R0. lra.
          -- rewrite V_eta64. assert (0 <= eta * d) by (apply Rmult_le_pos; numeric). split; lra.
        * intros _. apply (maxpool_line_sound y (read (blo b)) (read (bhi b)) a). now apply Hw.
      + intros r Hin. apply in_map_iff in Hin. destruct Hin as (a & <- & Ha). cbv zeta. apply line_row_terms. now apply Hlead.
    - assert (Em : l_m l = length vs /\ l_terms l = length vs) by (rewrite E; split; reflexivity). destruct Em as (Em & EN).
      injection H as <- <-. rewrite Em, EN in *. cbn [operator_holds count] in *.
      apply short_rows_sound.
      + now rewrite map_length, Hels, ints_from_length.
      + now rewrite Hels, ints_from_length.
      + intros e r Hin. rewrite Hels in Hin.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom holds _ _ Hin) as (a & Ha & -> & HP).
        apply row_without_terms_sound; [exact Hm |]. intros _. rewrite V_0, HP. replace (V a - V a) with 0 by ring. rewrite Rabs_R0. lra.
      + intros r Hin. apply in_map_iff in Hin. destruct Hin as (a & <- & Ha). cbn. split; [lia | split; [lia | intros t [[] | []]]].
    - unfold own_groups in Hgroups. rewrite Hop in Hgroups. now destruct gs.
  Qed.

  (* What a sweep reads of this layer, if its rows are about elements. *)
  Theorem layer_sop_sound : forall sl o sl', own_groups l = [] -> layer_sop s b l sl = (o, sl') ->
    sound_op y (read (bx b)) n o /\ length (o_rows o) = count (l_op l) /\ idx (o_first o) = n /\ (Z.of_nat (o_m o) <= 2 ^ 39)%Z.
  Proof.
    intros sl o sl' Hgroups H. unfold layer_sop in H. destruct (layer_rows s b l sl) as [rows sl1] eqn:Hrows. injection H as <- <-.
    destruct (layer_rows_sound _ _ _ Hgroups Hrows) as (Hl & Hr & Ht & HN & Hc). pose proof (elements_shape l shape') as Hels.
    destruct (layer_facts l ok shape') as (Hnd & Hbelow & Hsub & Hroom & Hfew & Hm & Hterms). fold n in Hbelow, Hroom.
    destruct (largest_x_facts y l (idx tot) ok shape' fits b k good_b enough) as (Fx & X0 & Xall).
    assert (Hlen : length (combine (l_elements l) rows) = count (l_op l)).
    { rewrite combine_length, Hl, Hels, ints_from_length. lia. }
    assert (Hrd : forall e, In e (l_read l) -> strong b y e) by exact (read_strong y l (idx tot) ok shape' fits b k good_b enough).
    cbn [o_rows o_first o_m]. split; [| split; [exact Hlen | split; [reflexivity | lia]]].
    constructor; cbn [o_rows o_m o_under o_read].
    - rewrite Hlen. assert (Hmap : map (fun er : int * srow => idx (fst er)) (combine (l_elements l) rows) = map idx (l_elements l)).
      { rewrite <- (map_map fst idx). f_equal. revert Hl. generalize (l_elements l) as els. clear. intros els. revert rows.
        induction els as [| e els IH]; intros rows Hl; [reflexivity |]. destruct rows as [| r rows]; [discriminate |].
        cbn in *. rewrite IH; [reflexivity | lia]. }
      rewrite Hmap, Hels. now apply ints_from_idx.
    - lia.
    - rewrite Hlen. pose proof shape as (ranges & E).
      rewrite E at 2. cbn [l_m make_layer]. destruct (l_op l); cbn [count]; lia.
    - intros [e r] Hin. now apply Hr.
    - exact Hnd.
    - exact Hbelow.
    - lra.
    - intros pick t Hin. apply in_map, Hsub. now apply (Ht pick).
    - intros e He. now apply strong_size, Hrd.
    - exact Hc.
    - exists (INR (l_terms l)), (V (largest_x b (l_read l))). split; [exact X0 |]. split; [intros; apply le_INR, HN |]. split.
      + intros e He. pose proof (strong_size _ _ _ (Hrd e He)). specialize (Xall e He). lra.
      + intros F. destruct (mul_fin _ _ F) as (_ & F1 & _). destruct (add_fin _ _ F1) as (_ & F2 & _).
        destruct (float_of_nat_V (l_terms l)) as (_ & VN); [lia |]. pose proof (pos_INR (l_terms l)) as HN0.
        destruct (mul_pos _ _ F2) as (_ & _ & (E2 & _)); [rewrite VN; lra | exact X0 |]. rewrite VN in E2.
        assert (P2 : 0 <= V (float_of_nat (l_terms l) * largest_x b (l_read l))%float) by (apply mul_sign; auto; rewrite VN; lra).
        destruct (add_pos _ _ F1) as (_ & _ & (E1 & _)); [rewrite V_1; lra | exact P2 |]. rewrite V_1 in E1.
        assert (P1 : 0 <= V (1 + float_of_nat (l_terms l) * largest_x b (l_read l))%float) by (apply add_sign; auto; rewrite V_1; lra).
        pose proof tau_positive. pose proof tau_w. pose proof w_positive.
        destruct (mul_pos _ _ F) as (_ & _ & (E0 & _)); [rewrite V_tau; lra | exact P1 |]. rewrite V_tau in E0.
        set (z := V (1 + float_of_nat (l_terms l) * largest_x b (l_read l))%float) in *.
        set (u := INR (l_terms l) * V (largest_x b (l_read l))) in *.
        assert (Hu : 0 <= u) by (apply Rmult_le_pos; lra).
        assert (Hwd : w <= d * d * d) by (pose proof tau_tiny; numeric).
        assert (Hz : (1 - 3 * d) * (1 + u) <= z) by numeric.
        assert (Hz' : tauR * ((1 - 3 * d) * (1 + u)) <= tauR * z) by (apply Rmult_le_compat_l; lra).
        assert (Htu : 0 <= tauR * u) by (apply Rmult_le_pos; lra).
        numeric.
    - eapply rows_shape; eauto. now rewrite Hels, ints_from_length.
  Qed.
End Layer.
