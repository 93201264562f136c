(* Nothing overflows: an accepted float32 certificate proves that every covered
   evaluation of the network, from every input in the box of a disjunct, gives finite
   numbers throughout, and that they are an execution, so that the claim speaks of them.

   `computes` says what a runtime may compute, element by element, where None is an
   infinity or not a number. The premise of a row speaks of executions of the whole
   program; for a row in the middle of an evaluation there is one, since what has been
   computed so far can always be continued.

   Relies on CheckSound, Clusters, ScaledRows, Normalization, Probabilities. *)
From Flocq Require Import Core.
From Coq Require Import ZArith QArith Reals List Lra Lia Floats Uint63.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Clusters ScaledSums ScaledRows Normalization SoftmaxEvaluations AffineRows Lines SoftmaxRows Probabilities
  Store Layers LayerSound Forms Checker CheckSound.
Import ListNotations.
Local Open Scope R_scope.

(* ---- Covered evaluations of a network *)

Definition evaluation := nat -> option R.
Definition values (z : evaluation) : execution := fun i => match z i with Some v => v | None => 0 end.
Definition is_finite_at (z : evaluation) (i : nat) : Prop := z i <> None.

(* A row: any tree over the leaves of a sum cluster, or over the scaled parts of a Gemm, or a
   BatchNormalization. *)
Inductive row_computes (y : execution) (factor rho : R) (r : row) : option R -> Prop :=
  | computes_cluster : forall kinds o, factor = 1 -> rho = 0 -> cluster_row kinds r ->
      evaluates (row_leaves y kinds r) o -> row_computes y factor rho r o
  | computes_scaled : forall consts factors o, 1 <= factor -> rho = 0 -> scaled_row factor consts factors r ->
      scaled (scaled_parts y consts factors r) o -> row_computes y factor rho r o
  | computes_normalized : forall s B mu v eps e weight o, factor = 4 -> rho = p2 (-48) -> normalized_row s B mu v eps e weight r ->
      Rabs (at_element y e) <= p2 127 -> normalizes s B mu v eps (at_element y e) o -> row_computes y factor rho r o.

(* A group: whatever exp computes. *)
Definition group_computes (group : list int) (os : list (option R)) : Prop :=
  exists es, length es = length group /\ covered_exponentials es /\ softmax_evaluates es os.

(* From finite operands; the other operators are as good as their relation says. *)
Definition operator_computes (z : evaluation) (o : operator) (first : nat) : Prop :=
  (forall e, In e (sources_of o) -> is_finite_at z (idx e)) ->
  match o with
  | Affine factor rho rows => Forall2 (row_computes (values z) (V factor) (V rho)) rows (map z (seq first (length rows)))
  | Softmax groups => Forall2 group_computes groups (map (map z) (group_elements groups first))
  | _ => (forall i, (first <= i < first + count o)%nat -> is_finite_at z i) /\ operator_holds (values z) float32 o first
  end.

Fixpoint operators_compute (z : evaluation) (l : list operator) (first : nat) : Prop :=
  match l with [] => True | o :: m => operator_computes z o first /\ operators_compute z m (first + count o) end.

(* Inputs as fed; tensors hold numbers of binary32 range. *)
Definition computes (net : program) (x : nat -> R) (z : evaluation) : Prop :=
  (forall j, (j < inputs net)%nat -> z j = Some (fed float32 (x j))) /\
  (forall i v, z i = Some v -> Rabs v <= p2 128) /\
  operators_compute z (operators net) (inputs net).

(* ---- What the checker has established about the program *)

Definition operator_fits (o : operator) : Prop :=
  match o with
  | Affine factor rho rows => operator_ok factor rho = true /\ Forall (fun r => row_ok (compile_row r) = true) rows
  | LeakyRelu alpha _ => alpha_ok alpha = true
  | Softmax groups => Forall (fun g => group_ok g = true) groups
  | _ => True
  end.

Fixpoint fit (l : list operator) (first : nat) : Prop :=
  match l with
  | [] => True
  | o :: m => ((forall e, In e (sources_of o) -> (idx e < first)%nat) /\ operator_fits o) /\ fit m (first + count o)
  end.

Lemma make_layers_fit : forall tot ops first ranges, forallb layer_ok (make_layers tot first ranges ops) = true -> fit ops (idx first).
Proof.
  intros tot. induction ops as [| o ops IH]; intros first ranges H; [exact I |]. cbn [make_layers forallb] in H.
  apply andb_prop in H. destruct H as (Ho & H). set (l := make_layer tot first ranges o) in *.
  assert (Hshape : exists t r, l = make_layer t (l_first l) r (l_op l)) by (now exists tot, ranges).
  destruct (layer_facts l Ho Hshape) as (_ & Hbelow & Hsub & Hroom & _). change (l_first l) with first in *. change (l_op l) with o in *.
  cbn [fit]. split; [split |].
  - intros e He. auto.
  - pose proof Ho as Hok. unfold layer_ok in Hok. apply andb_prop in Hok. destruct Hok as (_ & Hok). change (l_op l) with o in Hok.
    destruct o as [f rho rows | | | | | | | gs]; cbn [operator_fits]; auto.
    + apply andb_prop in Hok. destruct Hok as (H1 & H2). split; [exact H1 |]. change (l_rows l) with (map compile_row rows) in H2.
      rewrite forallb_forall in H2. apply Forall_forall. intros r Hr. now apply H2, in_map.
    + apply andb_prop in Hok. destruct Hok as (_ & Hok). rewrite forallb_forall in Hok. now apply Forall_forall.
  - assert (Hi : idx (first + int_of (count o))%uint63 = (idx first + count o)%nat).
    { unfold room_for, idx, int_of in *. pose proof (to_Z_bounded first). rewrite add_spec, of_Z_spec, (Z.mod_small (Z.of_nat _)) by (change wB with (2 ^ 63)%Z; lia).
      rewrite Z.mod_small by (change wB with (2 ^ 63)%Z; lia). lia. }
    rewrite <- Hi. now apply (IH _ (ranges ++ [(first, count o)])).
Qed.

Lemma fit_app : forall l m first, fit (l ++ m) first <-> fit l first /\ fit m (first + list_sum (map count l)).
Proof.
  induction l as [| o l IH]; intros m first; cbn [app fit map list_sum fold_right].
  - replace (first + 0)%nat with first by lia. tauto.
  - rewrite IH. unfold list_sum. replace (first + count o + fold_right Nat.add 0 (map count l))%nat with (first + (count o + fold_right Nat.add 0 (map count l)))%nat by lia. tauto.
Qed.

(* ---- An operator's relation depends on its sources and its elements only *)

Section Agree.
  Variables (y y' : execution).

  Definition agree_on (l : list int) : Prop := forall e, In e l -> y (idx e) = y' (idx e).

  Lemma row_local : forall r, (forall t, In t (terms r) -> y (idx (fst t)) = y' (idx (fst t))) ->
    weighted_sum y (terms r) = weighted_sum y' (terms r) /\ absolute_sum y (terms r) = absolute_sum y' (terms r) /\
    operands_sum y (terms r) = operands_sum y' (terms r).
  Proof.
    intros r H. unfold weighted_sum, absolute_sum, operands_sum, at_element.
    repeat split; apply sum_ext; intros t Ht; now rewrite (H t Ht).
  Qed.

  Lemma greatest_local : forall w, agree_on (fst w :: snd w) -> greatest y w = greatest y' w.
  Proof.
    intros [e l] H. unfold greatest, agree_on, at_element in *. cbn [fst snd] in *. rewrite (H e (or_introl eq_refl)).
    assert (Hl : forall f, In f l -> y (idx f) = y' (idx f)) by (intros f Hf; apply H; now right). clear H.
    induction l as [| f l IH]; [reflexivity |]. cbn [fold_right]. rewrite IH by (intros; apply Hl; now right). now rewrite (Hl f (or_introl eq_refl)).
  Qed.

  Lemma softmax_local : forall s g vs, agree_on g -> softmax_holds y s g vs -> softmax_holds y' s g vs.
  Proof.
    intros s g vs H Hs. destruct s; [| exact Hs]. cbn [softmax_holds] in *. rewrite Hs. apply map_ext_in. intros e He. unfold at_element.
    rewrite (H e He). f_equal. apply sum_ext. intros f Hf. now rewrite (H f Hf).
  Qed.

  Lemma each_local : forall A (P Q : A -> R -> Prop) l first, (forall i, (first <= i < first + length l)%nat -> y i = y' i) ->
    (forall a v, In a l -> P a v -> Q a v) -> each y P l first -> each y' Q l first.
  Proof.
    induction l as [| a l IH]; intros first Hi HPQ H; [exact I |]. destruct H as (H0 & H). cbn [length] in Hi. split.
    - rewrite <- Hi by lia. apply HPQ; [now left | exact H0].
    - apply IH; [intros i Hj; apply Hi; lia | intros b v Hb; apply HPQ; now right | exact H].
  Qed.

  Lemma operator_local : forall s o first, agree_on (sources_of o) -> (forall i, (first <= i < first + count o)%nat -> y i = y' i) ->
    operator_holds y s o first -> operator_holds y' s o first.
  Proof.
    intros s o first Hs Hi H. destruct o as [f rho rows | srcs | a srcs | srcs | srcs | ws | vs | gs]; cbn [operator_holds sources_of count] in *.
    - eapply each_local; [exact Hi | | exact H]. intros r v Hr Hv.
      destruct (row_local r) as (W & Ab & Op). { intros t Ht. apply Hs. apply in_flat_map. exists r. split; [exact Hr | now apply in_map]. }
      unfold row_holds, row_error, row_size in *. rewrite <- W, <- Ab, <- Op. exact Hv.
    - eapply each_local; [exact Hi | | exact H]. intros e v He Hv. cbv beta in *. unfold at_element in *. now rewrite <- (Hs e He).
    - eapply each_local; [exact Hi | | exact H]. intros e v He Hv. cbv beta in *. unfold at_element in *. now rewrite <- (Hs e He).
    - eapply each_local; [exact Hi | | exact H]. intros e v He Hv. cbv beta in *. unfold at_element in *. now rewrite <- (Hs e He).
    - eapply each_local; [exact Hi | | exact H]. intros e v He Hv. cbv beta in *. unfold at_element in *. now rewrite <- (Hs e He).
    - eapply each_local; [exact Hi | | exact H]. intros w v Hw Hv. unfold maxpool_holds in *. rewrite <- (greatest_local w); [exact Hv |].
      intros e He. apply Hs. apply in_flat_map. now exists w.
    - eapply each_local; [exact Hi | | exact H]. auto.
    - revert first Hi H. induction gs as [| g gs IH]; intros first Hi H; [exact I |]. destruct H as (H0 & H). cbn [concat] in Hi, Hs. rewrite app_length in Hi. split.
      + replace (map y' (seq first (length g))) with (map y (seq first (length g))).
        * apply softmax_local; [| exact H0]. intros e He. apply Hs. apply in_app_iff. now left.
        * apply map_ext_in. intros i Hin. apply in_seq in Hin. apply Hi. lia.
      + apply IH; [intros e He; apply Hs; apply in_app_iff; now right | intros i Hj; apply Hi; lia | exact H].
  Qed.

  Lemma operators_local : forall s l first, fit l first -> (forall i, (i < first + list_sum (map count l))%nat -> y i = y' i) ->
    operators_hold y s l first -> operators_hold y' s l first.
  Proof.
    induction l as [| o l IH]; intros first Hf Hi H; [exact I |]. destruct H as (H0 & H). destruct Hf as ((Hs & _) & Hf). cbn [map list_sum fold_right] in Hi. split.
    - apply operator_local; [| | exact H0].
      + intros e He. apply Hi. specialize (Hs e He). lia.
      + intros i Hj. apply Hi. unfold list_sum. lia.
    - apply IH; [exact Hf | | exact H]. intros i Hj. apply Hi. unfold list_sum in *. lia.
  Qed.
End Agree.

(* ---- What was computed so far can be continued *)

Definition witness (y : execution) (o : operator) : list R :=
  match o with
  | Affine _ _ rows => map (fun r => V (bias r) + weighted_sum y (terms r)) rows
  | Relu srcs => map (fun e => Rmax 0 (at_element y e)) srcs
  | LeakyRelu alpha srcs => map (fun e => leaky_relu (V alpha) (at_element y e)) srcs
  | Sigmoid srcs => map (fun e => sigmoid (at_element y e)) srcs
  | Tanh srcs => map (fun e => tanh (at_element y e)) srcs
  | MaxPool ws => map (greatest y) ws
  | Constant vs => map V vs
  | Softmax gs => flat_map (fun g => map (fun e => exp (at_element y e) / sum (fun f => exp (at_element y f)) g) g) gs
  end.

Lemma witness_length : forall y o, length (witness y o) = count o.
Proof.
  intros y o. destruct o as [| | | | | | | gs]; cbn [witness count]; try apply map_length.
  induction gs as [| g gs IH]; [reflexivity |]. cbn [flat_map concat]. now rewrite !app_length, map_length, IH.
Qed.

Lemma witness_local : forall y y' o, agree_on y y' (sources_of o) -> witness y o = witness y' o.
Proof.
  intros y y' o H. assert (Hat : forall e, In e (sources_of o) -> at_element y e = at_element y' e) by (intros e He; apply (H e He)).
  destruct o as [f rho rows | srcs | a srcs | srcs | srcs | ws | vs | gs]; cbn [witness sources_of] in *;
    try (apply map_ext_in; intros e He; now rewrite (Hat e He)); [| | reflexivity |].
  - apply map_ext_in. intros r Hr. destruct (row_local y y' r) as (W & _); [| now rewrite W].
    intros t Ht. apply H. apply in_flat_map. exists r. split; [exact Hr | now apply in_map].
  - apply map_ext_in. intros w Hw. apply greatest_local. intros e He. apply H. apply in_flat_map. now exists w.
  - induction gs as [| g gs IH]; [reflexivity |]. cbn [flat_map concat] in *. f_equal.
    + apply map_ext_in. intros e He. rewrite (Hat e) by (apply in_app_iff; now left). f_equal. apply sum_ext. intros f Hf.
      now rewrite (Hat f) by (apply in_app_iff; now left).
    + apply IH; intros e He; [apply H | apply Hat]; apply in_app_iff; now right.
Qed.

Lemma each_of_values : forall A (y : execution) (P : A -> R -> Prop) f l first,
  (forall k, (k < length l)%nat -> y (first + k)%nat = nth k (map f l) 0) -> (forall a, In a l -> P a (f a)) -> each y P l first.
Proof.
  induction l as [| a l IH]; intros first Hy HP; [exact I |]. split.
  - specialize (Hy O ltac:(cbn; lia)). rewrite Nat.add_0_r in Hy. cbn in Hy. rewrite Hy. apply HP. now left.
  - apply IH; [| intros b Hb; apply HP; now right]. intros k Hk. specialize (Hy (S k) ltac:(cbn; lia)).
    replace (S first + k)%nat with (first + S k)%nat by lia. exact Hy.
Qed.

Lemma row_error_nonnegative : forall y factor rho r, operator_ok factor rho = true -> row_ok (compile_row r) = true ->
  0 <= row_error y (V factor) (V rho) r.
Proof.
  intros y factor rho r Hop Hr. destruct (gamma_bounds r Hr) as ((Hg & _) & _). destruct (row_facts r Hr) as (_ & _ & _ & _ & Hm & _ & Hu & _).
  destruct (operator_facts factor rho Hop) as (_ & _ & Hrho & _). pose proof (factor_bounds factor rho Hop) as Hf.
  pose proof (Rabs_pos (V (bias r))). pose proof eta_positive. unfold row_error, row_size.
  assert (0 <= absolute_sum y (terms r)) by (apply sum_nonnegative; intros; apply Rmult_le_pos; apply Rabs_pos).
  assert (0 <= operands_sum y (terms r)) by (apply sum_nonnegative; intros; apply Rplus_le_le_0_compat; apply Rabs_pos).
  apply Rplus_le_le_0_compat; repeat apply Rmult_le_pos; lra.
Qed.

Lemma witness_holds : forall y o first, operator_fits o ->
  (forall k, (k < count o)%nat -> y (first + k)%nat = nth k (witness y o) 0) -> operator_holds y float32 o first.
Proof.
  intros y o first Hfit Hy. pose proof eta_positive. assert (H20 : 0 < p2 (-20)) by apply bpow_gt_0.
  assert (Hself : forall v, Rabs (v - v) = 0) by (intros v; replace (v - v) with 0 by ring; apply Rabs_R0).
  destruct o as [f rho rows | srcs | a srcs | srcs | srcs | ws | vs | gs]; cbn [operator_holds witness count operator_fits] in *.
  - destruct Hfit as (Hop & Hrows). rewrite Forall_forall in Hrows. eapply each_of_values; [exact Hy |]. intros r Hr. cbn [row_holds].
    rewrite Hself. now apply row_error_nonnegative, Hrows.
  - eapply each_of_values; [exact Hy |]. intros e He. now left.
  - eapply each_of_values; [exact Hy |]. intros e He. cbn [leaky_relu_holds]. rewrite Hself. destruct (alpha_facts a Hfit) as (_ & Ha & _).
    assert (0 <= u32 * V a * Rabs (at_element y e)).
    { apply Rmult_le_pos; [apply Rmult_le_pos; [rewrite u32_value |]; lra | apply Rabs_pos]. } lra.
  - eapply each_of_values; [exact Hy |]. intros e He. cbn [curve_holds]. rewrite Hself. lra.
  - eapply each_of_values; [exact Hy |]. intros e He. cbn [curve_holds]. rewrite Hself. lra.
  - eapply each_of_values; [exact Hy |]. intros w Hw. cbn [maxpool_holds]. rewrite Hself. lra.
  - eapply each_of_values; [exact Hy |]. reflexivity.
  - revert first Hy. induction Hfit as [| g gs Hg Hfit IH]; intros first Hy; [exact I |]. cbn [flat_map concat] in Hy. rewrite app_length in Hy.
    set (P := map (fun e => exp (at_element y e) / sum (fun f => exp (at_element y f)) g) g) in *.
    assert (HP : length P = length g) by apply map_length. split.
    + assert (E : map y (seq first (length g)) = P).
      { apply nth_ext with (d := y first) (d' := 0); [rewrite map_length, seq_length; now symmetry |]. intros k Hk. rewrite map_length, seq_length in Hk.
        rewrite map_nth, seq_nth by lia. rewrite Hy by lia. now rewrite app_nth1 by lia. }
      rewrite E. unfold group_ok in Hg. apply andb_prop in Hg. destruct Hg as (Hg & _). apply andb_prop in Hg. destruct Hg as (H1 & Hn).
      apply Nat.leb_le in H1. apply Z.leb_le in Hn. apply IZR_le in Hn. rewrite <- INR_IZR_INZ in Hn. change (IZR (2 ^ 20)) with 1048576 in Hn.
      destruct (softmax_is_a_distribution y g P) as (Hall & Hsum); [intros ->; cbn in H1; lia | reflexivity |].
      split; [eapply Forall_impl; [| exact Hall]; cbn; intros; lra |]. rewrite Hsum, Hself. unfold gamma. pose proof (pos_INR (length g)).
      apply Rmult_le_pos; [rewrite u32_value; lra |]. left. apply Rinv_0_lt_compat. rewrite u32_value. lra.
    + apply IH. intros k Hk. replace (first + length g + k)%nat with (first + (length g + k))%nat by lia.
      rewrite Hy by lia. rewrite app_nth2 by lia. f_equal. lia.
Qed.

Lemma continued : forall l first y, fit l first -> exists y', (forall i, (i < first)%nat -> y' i = y i) /\ operators_hold y' float32 l first.
Proof.
  induction l as [| o l IH]; intros first y Hf; [exists y; split; [reflexivity | exact I] |]. destruct Hf as ((Hs & Ho) & Hf).
  set (y1 := fun i => if (i <? first)%nat then y i else nth (i - first) (witness y o) 0).
  assert (Hb : forall i, (i < first)%nat -> y1 i = y i) by (intros i Hi; unfold y1; apply Nat.ltb_lt in Hi; now rewrite Hi).
  assert (H1 : operator_holds y1 float32 o first).
  { apply witness_holds; [exact Ho |]. intros k Hk. rewrite (witness_local y1 y o) by (intros e He; apply Hb; auto).
    unfold y1. destruct (Nat.ltb_spec (first + k) first); [lia |]. f_equal. lia. }
  destruct (IH (first + count o)%nat y1 Hf) as (y' & Hy' & H'). exists y'. split; [intros i Hi; rewrite Hy' by lia; auto |].
  split; [| exact H']. eapply operator_local; [| | exact H1].
  - intros e He. specialize (Hs e He). symmetry. apply Hy'. lia.
  - intros i Hi. symmetry. apply Hy'. lia.
Qed.

(* ---- The theorem *)

Lemma row_computes_holds : forall y factor rho r o, row_computes y factor rho r o -> row_premise y factor r ->
  (forall t, In t (terms r) -> Rabs (at_element y (fst t)) <= p2 128) -> exists v, o = Some v /\ row_holds y float32 factor rho r v.
Proof.
  intros y factor rho r o H Hp Hy. destruct H as [kinds o -> -> Hc He | consts factors o HF -> Hc He | s B mu v eps e weight o -> -> Hc Hx He].
  - now apply (every_evaluation_of_a_row_is_an_execution y kinds).
  - now apply (every_evaluation_of_a_scaled_row_is_an_execution y factor consts factors).
  - now apply (every_evaluation_of_a_normalized_row_is_an_execution y s B mu v eps e weight).
Qed.

Lemma premises_app : forall y l m, premises_hold y (l ++ m) -> premises_hold y m.
Proof. induction l as [| o l IH]; intros m H; [exact H |]. apply IH. destruct o; cbn [app premises_hold] in H; tauto. Qed.

Lemma operators_hold_app : forall y s l m first, operators_hold y s l first -> operators_hold y s m (first + list_sum (map count l)) ->
  operators_hold y s (l ++ m) first.
Proof.
  induction l as [| o l IH]; intros m first Hl Hm; cbn [app map list_sum fold_right operators_hold] in *; [now rewrite Nat.add_0_r in Hm |].
  destruct Hl as (H0 & Hl). split; [exact H0 |]. apply IH; [exact Hl |]. unfold list_sum. now rewrite <- Nat.add_assoc.
Qed.

Lemma rows_hold : forall (z : evaluation) (P : row -> R -> Prop) rows first, Forall2 (fun r o => exists v, o = Some v /\ P r v) rows (map z (seq first (length rows))) ->
  (forall i, (first <= i < first + length rows)%nat -> is_finite_at z i) /\ each (values z) P rows first.
Proof.
  intros z P. induction rows as [| r rows IH]; intros first H; [split; [intros i Hi; cbn in Hi; lia | exact I] |].
  cbn [length seq map] in H. inversion H as [| ? ? ? ? (v & Hz & Hv) Hrest]; subst. destruct (IH (S first) Hrest) as (F & E). cbn [length]. split.
  - intros i Hi. destruct (Nat.eq_dec i first) as [-> | Hne]; [unfold is_finite_at; now rewrite Hz | apply F; lia].
  - split; [unfold values at 1; now rewrite Hz | exact E].
Qed.

Lemma groups_hold : forall (z : evaluation) gs first, Forall (fun g => group_ok g = true) gs ->
  Forall2 group_computes gs (map (map z) (group_elements gs first)) ->
  (forall i, (first <= i < first + length (concat gs))%nat -> is_finite_at z i) /\ each_group (values z) (softmax_holds (values z) float32) gs first.
Proof.
  intros z. induction gs as [| g gs IH]; intros first Hok H; [split; [intros i Hi; cbn in Hi; lia | exact I] |].
  cbn [group_elements map] in H. inversion H as [| ? ? ? ? (es & Hlen & Hc & He) Hrest]; subst. inversion Hok as [| ? ? Hg Hgs]; subst.
  destruct (IH (first + length g)%nat Hgs Hrest) as (F & E).
  unfold group_ok in Hg. apply andb_prop in Hg. destruct Hg as (Hg & _). apply andb_prop in Hg. destruct Hg as (_ & Hn). apply Z.leb_le in Hn.
  apply IZR_le in Hn. rewrite <- INR_IZR_INZ in Hn. change (IZR (2 ^ 20)) with 1048576 in Hn.
  destruct (every_evaluation_of_a_softmax_is_a_distribution es (map z (seq first (length g)))) as (vs & Hz & Hall & Hsum); [now rewrite Hlen | exact Hc | exact He |].
  assert (Hv : map (values z) (seq first (length g)) = vs).
  { revert Hz. generalize (seq first (length g)) as l. clear. intros l. revert vs. induction l as [| i l IHl]; intros [| v vs] Hz; try discriminate; [reflexivity |].
    cbn [map] in *. injection Hz as Hz0 Hz. unfold values at 1. rewrite Hz0. f_equal. now apply IHl. }
  cbn [concat]. rewrite app_length. split.
  - intros i Hi. destruct (Nat.lt_ge_cases i (first + length g)) as [Hlt | Hge]; [| apply F; lia].
    assert (Hin : In (z i) (map Some vs)) by (rewrite <- Hz; apply in_map, in_seq; lia).
    apply in_map_iff in Hin. destruct Hin as (v & Hv0 & _). unfold is_finite_at. now rewrite <- Hv0.
  - split; [rewrite Hv; split; [exact Hall | now rewrite <- Hlen] | exact E].
Qed.

Theorem every_evaluation_is_a_finite_execution : forall net p fp tree,
  represents_property float32 p fp -> check_certificate float32 net fp tree = true ->
  forall x z, (exists c, In c p /\ in_box x (box c)) -> computes net x z ->
  executes float32 net (values z) /\
  forall i, (i < inputs net + list_sum (map count (operators net)))%nat -> is_finite_at z i.
Proof.
  intros net p fp tree Hrep Hcheck x z Hbox (Hfed & Hrange & Hz).
  pose proof (check_premises float32 net p fp tree Hrep Hcheck x) as Hprem.
  assert (Hfit : fit (operators net) (inputs net)).
  { apply certificate_env_ok in Hcheck. rename Hcheck into Hok.
    destruct (env_facts float32 net fp Hok) as (Hlayers & _ & Hin & _). change (e_ins (make_env float32 net fp)) with (inputs net) in Hin.
    assert (Hi : idx (int_of (inputs net)) = inputs net) by (apply idx_int_of; change wB with (2 ^ 63)%Z; lia).
    rewrite <- Hi. eapply make_layers_fit. exact Hlayers. }
  assert (Hsmall : forall e, Rabs (at_element (values z) e) <= p2 128).
  { intros e. unfold at_element, values. destruct (z (idx e)) as [v |] eqn:E; [eapply Hrange; eauto | rewrite Rabs_R0; apply bpow_ge_0]. }
  assert (Gen : forall l done first, operators net = done ++ l -> first = (inputs net + list_sum (map count done))%nat ->
    operators_hold (values z) float32 done (inputs net) -> (forall i, (i < first)%nat -> is_finite_at z i) -> operators_compute z l first ->
    operators_hold (values z) float32 l first /\ forall i, (i < first + list_sum (map count l))%nat -> is_finite_at z i).
  { induction l as [| o l IH]; intros done first Hops Hfirst Hdone Hfin Hc.
    { split; [exact I |]. intros i Hi. apply Hfin. cbn in Hi. lia. }
    pose proof Hfit as Hf. rewrite Hops in Hf. apply fit_app in Hf. rewrite <- Hfirst in Hf. destruct Hf as (Hfd & Hfl).
    pose proof Hfl as ((Hs & Ho) & _). destruct Hc as (Hc & Hcs). specialize (Hc (fun e He => Hfin _ (Hs e He))).
    assert (Hstep : (forall i, (first <= i < first + count o)%nat -> is_finite_at z i) /\ operator_holds (values z) float32 o first).
    { destruct o as [f rho rows | | | | | | | gs]; [| exact Hc .. | apply groups_hold; [exact Ho | exact Hc]].
      (* an execution of the whole program that starts like this evaluation *)
      destruct (continued _ first (values z) Hfl) as (y' & Hy' & Hcont).
      assert (Hex : executes float32 net y').
      { unfold executes. rewrite Hops. apply operators_hold_app; [| now rewrite <- Hfirst].
        eapply operators_local; [exact Hfd | | exact Hdone]. intros i Hi. symmetry. apply Hy'. lia. }
      assert (Hp : premises_hold y' (operators net)).
      { apply Hprem; [| exact Hex | exact Hbox]. intros j Hj. rewrite Hy' by lia. unfold values. now rewrite Hfed. }
      rewrite Hops in Hp. apply premises_app in Hp. destruct Hp as (Hp & _). rewrite Forall_forall in Hp.
      apply rows_hold. cbn [operator_holds sources_of] in *.
      assert (G : forall rows0 os, (forall r, In r rows0 -> In r rows) -> Forall2 (row_computes (values z) (V f) (V rho)) rows0 os ->
        Forall2 (fun r o => exists v, o = Some v /\ row_holds (values z) float32 (V f) (V rho) r v) rows0 os).
      { intros rows0 os Hin H. induction H as [| r o rows0 os Hr _ IHr]; constructor.
        - apply row_computes_holds; [exact Hr | | auto]. specialize (Hp r (Hin r (or_introl eq_refl))). unfold row_premise, row_size in *.
          destruct (row_local (values z) y' r) as (_ & Ab & _); [| now rewrite Ab].
          intros t Ht. symmetry. apply Hy', Hs. apply in_flat_map. exists r. split; [apply Hin; now left | now apply in_map].
        - apply IHr. intros r' Hr'. apply Hin. now right. }
      now apply G. }
    destruct Hstep as (Hown & Hhold).
    destruct (IH (done ++ [o]) (first + count o)%nat) as (Hrest & Hall).
    - rewrite Hops, <- app_assoc. reflexivity.
    - rewrite map_app, list_sum_app. cbn [map list_sum fold_right]. lia.
    - apply operators_hold_app; [exact Hdone |]. rewrite <- Hfirst. split; [exact Hhold | exact I].
    - intros i Hi. destruct (Nat.lt_ge_cases i first) as [Hlt | Hge]; [now apply Hfin | apply Hown; lia].
    - exact Hcs.
    - split; [split; [exact Hhold | exact Hrest] |]. intros i Hi. apply Hall. cbn [map list_sum fold_right] in Hi. unfold list_sum. lia. }
  apply (Gen (operators net) [] (inputs net)); auto.
  - cbn. lia.
  - intros i Hi. unfold is_finite_at. now rewrite Hfed.
Qed.

Lemma layered_total : forall y s tot ls n, layered y s tot n ls -> idx tot = (n + list_sum (map (fun l => count (l_op l)) ls))%nat.
Proof.
  intros y s tot. induction ls as [| l ls IH]; intros n H; [cbn in *; lia |]. destruct H as (_ & _ & _ & _ & _ & H).
  rewrite (IH _ H). cbn [map list_sum fold_right]. unfold list_sum. lia.
Qed.

Lemma make_layers_counts : forall tot ops first ranges, map (fun l => count (l_op l)) (make_layers tot first ranges ops) = map count ops.
Proof. intros tot. induction ops as [| o ops IH]; intros first ranges; [reflexivity |]. cbn [make_layers map l_op make_layer]. now rewrite IH. Qed.

(* Outputs are finite, and the point is safe. *)
Corollary finite_and_safe : forall net p fp tree,
  represents_property float32 p fp -> check_certificate float32 net fp tree = true ->
  forall x z, (exists c, In c p /\ in_box x (box c)) -> computes net x z ->
  (forall e, In e (outputs net) -> exists v, z (idx e) = Some v) /\ safe x (output_values net (values z)) p.
Proof.
  intros net p fp tree Hrep Hcheck x z Hbox Hz.
  destruct (every_evaluation_is_a_finite_execution net p fp tree Hrep Hcheck x z Hbox Hz) as (Hex & Hfin). split.
  - intros e He.
    assert (Hi : (idx e < inputs net + list_sum (map count (operators net)))%nat).
    { apply certificate_env_ok in Hcheck. rename Hcheck into Hok.
      destruct (env_facts float32 net fp Hok) as (_ & _ & _ & Hout & _). rewrite forallb_forall in Hout.
      pose proof (layered_total _ _ _ _ _ (root_layers float32 net fp (values z) Hok Hex)) as Ht.
      change (e_layers (make_env float32 net fp)) with (make_layers (e_total (make_env float32 net fp)) (int_of (inputs net)) [(0%uint63, inputs net)] (operators net)) in Ht.
      rewrite make_layers_counts in Ht. change (e_ins (make_env float32 net fp)) with (inputs net) in Ht. rewrite <- Ht.
      specialize (Hout e He). apply ltb_spec in Hout. unfold idx. pose proof (to_Z_bounded e). lia. }
    specialize (Hfin _ Hi). unfold is_finite_at in Hfin. destruct (z (idx e)) as [v |]; [now exists v | contradiction].
  - apply (check_sound float32 net p fp tree Hrep Hcheck x (values z)); [| exact Hex].
    intros j Hj. unfold values. now rewrite (proj1 Hz j Hj).
Qed.
