(* check_sound: what the checker accepts holds. Whatever the bytes of the tree are, if
   check_certificate answers true then no execution from a point of the property's
   input set reaches its unsafe set.

   Relies on all of the above; the statement is about Semantics.claim alone. *)
From Flocq Require Import Core.
From Coq Require Import ZArith QArith Qreals Reals List Lra Lia Psatz Floats Uint63.
From Coq Require PArray.
From AxiomProofs Require Import Lists SumTrees Binary64 Semantics Rounding AffineRows Lines Store Sweep Backward SoftmaxRows Groups ChainSweep Layers LayerSound RowSound GroupRows Forms Checker.
Import ListNotations.
Local Open Scope R_scope.
Local Open Scope bool_scope.

(* ---- The property behind the rounded one *)

Record represents_disjunct (s : semantics) (c : disjunct) (f : fdisjunct) : Prop := {
  rd_length : length (box c) = length (fbox f);
  rd_box : forall j r, (j < length (box c))%nat ->
    Q2R (fst (nth j (box c) (0%Q, 0%Q))) <= r <= Q2R (snd (nth j (box c) (0%Q, 0%Q))) ->
    V (fst (nth j (fbox f) (nan, nan))) <= fed s r <= V (snd (nth j (fbox f) (nan, nan)));
  rd_constraints : Forall2 represents (constraints c) (fconstraints f)
}.

Definition represents_property (s : semantics) (p : property) (f : list fdisjunct) : Prop :=
  Forall2 (represents_disjunct s) p f.

(* ---- Layers of a program *)

Fixpoint layered (y : execution) (s : semantics) (tot : int) (n : nat) (ls : list layer) : Prop :=
  match ls with
  | [] => n = idx tot
  | l :: m => layer_ok l = true /\ (exists ranges, l = make_layer tot (l_first l) ranges (l_op l)) /\ idx (l_first l) = n /\
      operator_holds y s (l_op l) n /\ (n + count (l_op l) <= idx tot)%nat /\ layered y s tot (n + count (l_op l)) m
  end.

Lemma layered_below : forall y s tot ls n, layered y s tot n ls -> (n <= idx tot)%nat.
Proof. intros y s tot [| l ls] n H; [rewrite H; lia |]. destruct H as (_ & _ & _ & _ & H & _). lia. Qed.

Lemma make_layers_layered : forall y s tot ops first ranges,
  forallb layer_ok (make_layers tot first ranges ops) = true ->
  operators_hold y s ops (idx first) -> fold_left (fun t o => t + int_of (count o))%uint63 ops first = tot ->
  layered y s tot (idx first) (make_layers tot first ranges ops).
Proof.
  intros y s tot. induction ops as [| o ops IH]; intros first ranges Hok Hh Ht; [cbn in *; now subst |].
  cbn [make_layers forallb] in Hok |- *. apply andb_prop in Hok. destruct Hok as (Ho & Hok). destruct Hh as (Hh0 & Hh).
  assert (Hb : (to_Z first + Z.of_nat (count o) < 2 ^ 62)%Z).
  { unfold layer_ok in Ho. repeat match goal with H : (_ && _)%bool = true |- _ => apply andb_prop in H; destruct H end.
    match goal with H : (to_Z (l_first _) + _ <? _)%Z = true |- _ => apply Z.ltb_lt in H; exact H end. }
  assert (Hi : idx (first + int_of (count o))%uint63 = (idx first + count o)%nat).
  { unfold idx, int_of. pose proof (to_Z_bounded first). rewrite add_spec, of_Z_spec, (Z.mod_small (Z.of_nat _)) by (change wB with (2 ^ 63)%Z; lia).
    rewrite Z.mod_small by (change wB with (2 ^ 63)%Z; lia). lia. }
  cbn [fold_left] in Ht. rewrite <- Hi in Hh. specialize (IH _ (ranges ++ [(first, count o)]) Hok Hh Ht). rewrite Hi in IH.
  cbn [layered l_op l_first make_layer]. repeat (split; [solve [auto | now exists ranges | apply (layered_below _ _ _ _ _ IH)] |]). exact IH.
Qed.

Lemma chain_sizes : forall y x x' ins ops n, sound_chain x y ins ops n ->
  (forall e, (idx e < n)%nat -> Rabs (y (idx e)) <= V (x' e)) -> sound_chain x' y ins ops n.
Proof.
  intros y x x' ins. induction ops as [| o ops IH]; intros n H Hx; [exact H |].
  destruct H as (k & -> & Hop & Hm & Hf & Hr). exists k. split; [reflexivity |]. split; [| split; [exact Hm | split; [exact Hf |]]].
  - apply (sound_step_sizes y x); [exact Hop |]. intros e He. apply Hx. lia.
  - apply IH; [exact Hr |]. intros e He. apply Hx. lia.
Qed.

(* ---- *)

Section Execution.
  Variables (E : env) (y : execution).
  Let s := e_sem E.
  Let total := idx (e_total E).
  Let ins := e_ins E.
  Hypothesis inputs_shape : e_inputs E = ints_from 0 ins.
  Hypothesis inputs_few : (Z.of_nat ins <= 2 ^ 22)%Z.
  Hypothesis arrays : (e_total E <=? PArray.max_length)%uint63 = true.
  Hypothesis layers : layered y s (e_total E) ins (e_layers E).

  Lemma ins_below : (ins <= total)%nat.
  Proof. exact (layered_below _ _ _ _ _ layers). Qed.

  Lemma make_size : forall (A : Set) (v : A), size (PArray.make (e_total E) v) = total.
  Proof. intros. unfold size. rewrite PArray.length_make, arrays. reflexivity. Qed.

  Lemma inputs_idx : map idx (e_inputs E) = seq 0 ins.
  Proof. rewrite inputs_shape. apply ints_from_idx. unfold room_for. change (idx 0%uint63) with O. lia. Qed.

  Lemma input_in : forall j, In j (e_inputs E) -> (idx j < ins)%nat.
  Proof. intros j Hj. apply (in_map idx) in Hj. rewrite inputs_idx in Hj. apply in_seq in Hj. lia. Qed.

  Definition sound_context (b : bounds) : Prop := good b y total total.

  Lemma strong_of : forall b n e, good b y n total -> (idx e < n)%nat -> (n <= total)%nat -> strong b y e.
  Proof. intros b n e (_ & _ & _ & _ & H) He Hn. apply H; lia. Qed.

  Lemma form_inputs : forall A, form A ins y = sum (fun j => V (read A j) * y (idx j)) (e_inputs E).
  Proof.
    intros A. unfold form. rewrite <- inputs_idx, sum_map. apply sum_ext. intros j _. now rewrite get_nat_at.
  Qed.

  (* Sweeps from any start *)
  Lemma sweep_bound : forall b n ops ms c A c' A' lb, good b y n total -> (n <= total)%nat -> (ins <= n)%nat ->
    sound_chain (read (bx b)) y ins ops n -> (n <= size A)%nat -> (forall m, In m ms -> (idx (fst m) < n)%nat) ->
    sweep (read (blo b)) (read (bhi b)) (read (bx b)) ops ms c A = Some (c', A') ->
    input_bound (read (blo b)) (read (bhi b)) (read (bx b)) (e_inputs E) c' A' = Some lb ->
    fin c /\ (forall j, (j < n)%nat -> fin (nat_at A j)) /\ fin lb /\ (forall j, In j (e_inputs E) -> fin (read A' j)) /\
    V c' + form A' ins y <= V c + form A n y /\
    V lb + tauR / 2 <= V c' + sum (fun j => V (read A' j) * V (end_of (read (blo b)) (read (bhi b)) (read A' j) j)) (e_inputs E) /\
    (forall j, In j (e_inputs E) -> V (read A' j) * V (end_of (read (blo b)) (read (bhi b)) (read A' j) j) <= V (read A' j) * y (idx j)).
  Proof.
    intros b n ops ms c A c' A' lb G Hn Hi Hc Hs Hm Hsw Hib.
    assert (Hst : forall j, In j (e_inputs E) -> strong b y j).
    { intros j Hj. apply (strong_of b n j G); auto. apply input_in in Hj. lia. }
    destruct (input_bound_sound (read (blo b)) (read (bhi b)) (read (bx b)) (e_inputs E) c' A' lb) as (Fc & Flb & FA & Hlb); auto.
    { rewrite inputs_shape, ints_from_length. lia. }
    { intros j Hj. destruct (Hst j Hj) as (_ & _ & _ & _ & B1 & B2). auto. }
    destruct (sweep_sound (read (blo b)) (read (bhi b)) (read (bx b)) y ins ops n ms c A c' A') as (F0 & FA0 & Hv); auto.
    { intros m Hin. specialize (Hm m Hin). split; [| exact Hm]. pose proof (strong_of b n (fst m) G Hm Hn) as Hstm.
      split; [apply Hstm | now apply strong_size]. }
    { intros j Hj. assert (Hin : In j (map idx (e_inputs E))) by (rewrite inputs_idx; apply in_seq; lia).
      apply in_map_iff in Hin. destruct Hin as (e & <- & He). rewrite <- get_nat_at. now apply FA. }
    repeat (split; [assumption |]). intros j Hj. destruct (Hst j Hj) as (_ & _ & _ & B & _). unfold end_of.
    destruct (0 <? read A' j)%float eqn:Hz.
    - apply ltb_V in Hz; auto using fin_0. rewrite V_0 in Hz. apply Rmult_le_compat_l; lra.
    - apply ltb_false in Hz; auto using fin_0. rewrite V_0 in Hz. nra.
  Qed.

  (* ---- PROPAGATE *)

  Lemma meet_finite_fold : forall L e b k b', good b y k total -> (idx e <= k)%nat -> room_for (idx e + length L) -> (idx e + length L <= total)%nat ->
    (forall f lh, In (f, lh) (combine (ints_from e (length L)) L) -> (fin (fst lh) -> V (fst lh) <= y (idx f)) /\ (fin (snd lh) -> y (idx f) <= V (snd lh))) ->
    fold_left meet_finite (combine (ints_from e (length L)) L) (Some b) = Some b' -> good b' y (Nat.max k (idx e + length L)) total.
  Proof.
    induction L as [| lh L IH]; intros e b k b' G He Hr Ht Hb H.
    - injection H as <-. cbn. replace (Nat.max k (idx e + 0)) with k by lia. exact G.
    - cbn [length ints_from combine fold_left] in *. unfold meet_finite at 2 in H. cbn [fst snd] in H.
      destruct (finite_at (meet b e (fst lh) (snd lh)) e) eqn:Hf.
      2:{ exfalso. clear - H. assert (K : forall M, fold_left meet_finite M None = None) by (induction M; auto). rewrite K in H. discriminate. }
      assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for in *; lia).
      destruct (Hb e lh (or_introl eq_refl)) as (B1 & B2).
      replace (Nat.max k (idx e + S (length L))) with (Nat.max (Nat.max k (S (idx e))) (idx (e + 1)%uint63 + length L)) by lia.
      eapply IH; try exact H; try (rewrite Hs; lia).
      + apply meet_good_next; auto. lia.
      + rewrite Hs. unfold room_for in *. lia.
      + intros f lh' Hin. apply Hb. now right.
  Qed.

  Lemma meet_all_good : forall L b n, good b y n total -> (n <= total)%nat ->
    (forall p, In p L -> (idx (fst p) < n)%nat /\ (fin (fst (snd p)) -> V (fst (snd p)) <= y (idx (fst p))) /\ (fin (snd (snd p)) -> y (idx (fst p)) <= V (snd (snd p)))) ->
    good (meet_all b L) y n total.
  Proof.
    induction L as [| p L IH]; intros b n G Hn H; [exact G |]. unfold meet_all in *. cbn [fold_left].
    destruct (H p (or_introl eq_refl)) as (H1 & H2 & H3). apply IH; auto; [| intros q0 Hq; apply H; now right].
    now apply meet_good.
  Qed.

  Lemma zeros_size : size (zeros E) = total. Proof. apply make_size. Qed.
  Lemma zeros_zero : forall i, nat_at (zeros E) i = 0%float. Proof. intros. apply nat_at_make. Qed.

  Lemma form_zeros : forall n, form (zeros E) n y = 0.
  Proof. intros n. unfold form. rewrite (sum_ext _ _ (fun _ => 0)); [apply sum_zero |]. intros i _. rewrite zeros_zero, V_0. ring. Qed.

  Lemma array_row_sound : forall b n ops ms e a, good b y n total -> (n <= total)%nat -> (ins <= n)%nat ->
    sound_chain (read (bx b)) y ins ops n -> (forall m, In m ms -> (idx (fst m) < n)%nat) -> (idx e < n)%nat ->
    fin (array_row E b ops ms e a) -> V (array_row E b ops ms e a) <= V a * y (idx e).
  Proof.
    intros b n ops ms e a G Hn Hi Hc Hms He F. unfold array_row in *.
    destruct (sweep _ _ _ _ _ _ _) as [[c' A'] |] eqn:Hs; [| now apply nan_not_fin in F].
    destruct (input_bound _ _ _ _ _ _) as [lb |] eqn:Hb; [| now apply nan_not_fin in F].
    destruct (sweep_bound b n ops ms 0%float (write (zeros E) e a) c' A' lb) as (_ & _ & _ & _ & Hv & Hlb & Hin); auto.
    { rewrite size_write, zeros_size. exact Hn. }
    rewrite form_write, form_zeros, get_nat_at, zeros_zero, !V_0 in Hv by (rewrite ?zeros_size; lia).
    rewrite form_inputs in Hv. apply sum_le in Hin. pose proof tau_positive. lra.
  Qed.

  Lemma row_sweep_sound : forall b n o rest e a, good b y n total -> (n <= total)%nat -> (ins <= n)%nat ->
    sound_chain (read (bx b)) y ins (o :: rest) n -> (idx (o_first o) <= idx e < n)%nat ->
    fin (row_sweep E b (chained (o :: rest) (e_inputs E)) (o :: rest) e a) ->
    V (row_sweep E b (chained (o :: rest) (e_inputs E)) (o :: rest) e a) <= V a * y (idx e).
  Proof.
    intros b n o rest e a G Hn Hi Hc He. unfold row_sweep.
    destruct (chained (o :: rest) (e_inputs E)) eqn:Hl; [| now apply array_row_sound with (n := n)].
    assert (Hlen : length (e_inputs E) = ins) by (now rewrite inputs_shape, ints_from_length).
    rewrite (chain_row_is _ _ _ y (e_inputs E) o rest n e a (zeros E)); rewrite ?Hlen, ?zeros_size; auto using inputs_idx.
    - now apply (array_row_sound b n (o :: rest) [] e a).
    - intros f _. rewrite get_nat_at. apply zeros_zero.
  Qed.

  Definition propagating (st : bounds * list sop) (n k : nat) : Prop :=
    good (fst st) y k total /\ (n <= k <= total)%nat /\ (ins <= n)%nat /\ sound_chain (read (bx (fst st))) y ins (snd st) n.

  Lemma propagate_layer_sound : forall l rest n k first rule swept st st', layered y s (e_total E) n (l :: rest) ->
    propagating st n k -> propagate_layer E first rule swept (Some st) l = Some st' ->
    exists k', propagating st' (n + count (l_op l)) k'.
  Proof.
    intros l rest n k first rule swept [b sops] st' (Hok & Hshape & Hfirst & Hholds & Hfits & Hrest) (G & Hk & Hin & Hc) H.
    cbn [fst snd] in *. subst n.
    assert (Hshape' : exists t r, l = make_layer t (l_first l) r (l_op l)) by (destruct Hshape as (r & Hr); now exists (e_total E), r).
    pose proof (layer_facts l Hok Hshape') as (_ & Hbelow & Hsub & Hroom & _).
    (* the row of this layer joins the chain *)
    assert (Hjoin : forall b0 b1 k0 k1 o sl, good b0 y k0 total -> (idx (l_first l) <= k0)%nat -> fst (layer_sop s b0 l sl) = o ->
      good b1 y k1 total -> (idx (l_first l) + count (l_op l) <= k1 <= total)%nat ->
      sound_chain (read (bx b1)) y ins (o :: sops) (idx (l_first l) + count (l_op l))).
    { intros b0 b1 k0 k1 o sl G0 Hk0 Ho G1 Hk1. destruct (layer_sop s b0 l sl) as [o' sl'] eqn:Hsop. cbn in Ho. subst o'.
      destruct (layer_step_sound s y l (e_total E) Hok Hshape Hholds (make_size nat O) Hfits b0 k0 G0 Hk0 sl o sl' Hsop) as (So & Sc & Sf & Sm).
      assert (Hx : forall e, (idx e < idx (l_first l))%nat -> Rabs (y (idx e)) <= V (read (bx b1) e)).
      { intros e He. apply strong_size. apply (strong_of b1 k1 e G1); lia. }
      exists (idx (l_first l)). rewrite Sc. split; [reflexivity |]. split; [| split; [exact Sm | split; [exact Sf |]]].
      - now apply (sound_step_sizes y (read (bx b0))).
      - eapply chain_sizes; [exact Hc | exact Hx]. }
    unfold propagate_layer in H.
    destruct (is_affine (l_op l)) eqn:Haff.
    - destruct (l_op l) as [factor rho rows | | | | | | |] eqn:Hop; try discriminate Haff. clear Haff.
      destruct (first && _); [discriminate |].
      destruct (fold_left meet_finite _ _) as [b1 |] eqn:Hm; [| discriminate].
      cbn [count] in *.
      assert (Hels : l_elements l = ints_from (l_first l) (length rows)) by (destruct Hshape as (r & ->); reflexivity).
      assert (Elr : l_rows l = map compile_row rows) by (destruct Hshape as (r & ->); reflexivity).
      assert (G1 : good b1 y (Nat.max k (idx (l_first l) + length rows)) total).
      { rewrite Hels, Elr, map_map in Hm.
        replace (length rows) with (length (map (fun x => interval_bounds E b l factor rho (compile_row x)) rows)) in Hm |- * by apply map_length.
        eapply meet_finite_fold; try exact Hm; rewrite ?map_length; auto; [lia |].
        intros f lh Hfl. cbn [operator_holds] in Hholds.
        destruct (each_combine_map _ _ _ _ _ _ _ Hroom Hholds _ _ Hfl) as (r & Hr & -> & HP). unfold interval_bounds. cbn [fst snd].
        pose proof Hok as Hok'. unfold layer_ok in Hok'. apply andb_prop in Hok'. destruct Hok' as (_ & Hok'). rewrite Hop in Hok'.
        apply andb_prop in Hok'. destruct Hok' as (Hopok & Hrows). rewrite forallb_forall in Hrows.
        assert (Hrok : row_ok (compile_row r) = true) by (apply Hrows; rewrite Elr; now apply in_map).
        assert (Hsrc : forall t, In t (terms r) -> In (fst t) (l_read l)).
        { intros t Ht. apply Hsub. cbn. apply in_flat_map. exists r. split; [exact Hr | now apply in_map]. }
        assert (Hst : forall e, In e (l_read l) -> strong b y e).
        { intros e He. apply (strong_of b k e G); [specialize (Hbelow e He); lia | lia]. }
        assert (Hlx : fin (largest_x b (l_read l)) /\ 0 <= V (largest_x b (l_read l)) /\ forall e, In e (l_read l) -> V (read (bx b) e) <= V (largest_x b (l_read l))).
        { eapply (largest_x_facts y l total Hok); eauto; [now rewrite Hop | rewrite Hop; exact Hfits | lia]. }
        destruct Hlx as (_ & X0 & Xall).
        assert (within : forall t, In t (terms r) -> fin (read (bx b) (fst t)) /\ Rabs (at_element y (fst t)) <= V (read (bx b) (fst t))).
        { intros t Ht. specialize (Hst _ (Hsrc t Ht)). split; [apply Hst | now apply strong_size]. }
        assert (at_most : forall t, In t (terms r) -> Rabs (at_element y (fst t)) <= V (largest_x b (l_read l))).
        { intros t Ht. destruct (within t Ht) as (_ & W). specialize (Xall _ (Hsrc t Ht)). lra. }
        assert (Hbd : forall t, In t (terms r) -> fin (read (blo b) (fst t)) /\ fin (read (bhi b) (fst t)) /\
          V (read (blo b) (fst t)) <= at_element y (fst t) <= V (read (bhi b) (fst t)) /\
          Rabs (V (read (blo b) (fst t))) <= V (read (bx b) (fst t)) /\ Rabs (V (read (bhi b) (fst t))) <= V (read (bx b) (fst t))).
        { intros t Ht. destruct (Hst _ (Hsrc t Ht)) as (A1 & A2 & _ & A3 & A4 & A5). auto. }
        split; intros F.
        - exact (interval_step_lower r Hrok (read (bx b)) (largest_x b (l_read l)) y within at_most X0 s factor rho Hopok _ _ Hbd _ HP F).
        - exact (interval_step_upper r Hrok (read (bx b)) (largest_x b (l_read l)) y within at_most X0 s factor rho Hopok _ _ Hbd _ HP F). }
      set (k1 := Nat.max k (idx (l_first l) + length rows)) in *.
      assert (Hk1 : (idx (l_first l) + length rows <= k1 <= total)%nat) by (unfold k1; fold total in Hfits; lia).
      set (o := fst (layer_sop (e_sem E) b l (Rule rule))) in *. set (linked := chained (o :: sops) (e_inputs E)) in *.
      destruct swept.
      + injection H as <-. exists k1.
        assert (Hch : sound_chain (read (bx b1)) y ins (o :: sops) (idx (l_first l) + length rows)).
        { eapply (Hjoin b b1 k k1 o (Rule rule)); auto. lia. }
        set (found := map _ _).
        assert (G2 : good (meet_all b1 found) y k1 total).
        { apply meet_all_good; [exact G1 | lia |]. intros p Hp. unfold found in Hp. apply in_map_iff in Hp. destruct Hp as (e & <- & He).
          apply filter_In in He. destruct He as (He & _). cbn [fst snd].
          assert (Hei : (idx (l_first l) <= idx e < idx (l_first l) + length rows)%nat).
          { rewrite Hels in He. apply (in_map idx) in He. rewrite ints_from_idx in He by exact Hroom. apply in_seq in He. lia. }
          split; [lia |].
          assert (Gn : good b1 y (idx (l_first l) + length rows) total) by (eapply good_less; [exact G1 | lia]).
          assert (Hnt : (idx (l_first l) + length rows <= total)%nat) by lia. assert (Hni : (ins <= idx (l_first l) + length rows)%nat) by lia.
          assert (Heo : (idx (o_first o) <= idx e < idx (l_first l) + length rows)%nat).
          { unfold o, layer_sop. destruct (layer_rows _ _ _ _). exact Hei. }
          split; intros F.
          - pose proof (row_sweep_sound b1 _ _ _ e 1%float Gn Hnt Hni Hch Heo F) as B. fold linked in B. rewrite V_1 in B. lra.
          - apply (proj1 (opp_fin _)) in F. pose proof (row_sweep_sound b1 _ _ _ e (-1)%float Gn Hnt Hni Hch Heo F) as B. fold linked in B. rewrite opp_V.
            assert (Vm1 : V (-1) = -1) by (literal_V (-1)%float; simpl; lra). rewrite Vm1 in B. lra. }
        split; [exact G2 |]. split; [lia |]. split; [lia |]. cbn [fst snd].
        eapply chain_sizes; [exact Hch |]. intros e He. apply strong_size. apply (strong_of _ k1 e G2); lia.
      + injection H as <-. exists k1. split; [exact G1 |]. split; [lia |]. split; [lia |]. cbn [fst snd].
        eapply (Hjoin b b1 k k1 o (Rule rule)); auto. lia.
    - assert (H' : match store_derived (e_sem E) b l with Some b1 => Some (b1, fst (layer_sop (e_sem E) b1 l (Rule rule)) :: sops) | None => None end = Some st').
      { destruct (l_op l); try discriminate Haff; exact H. }
      clear H. destruct (store_derived (e_sem E) b l) as [b1 |] eqn:Hd; [| discriminate]. injection H' as <-.
      assert (Hlen : length (derived s b (l_op l)) = count (l_op l)).
      { pose proof Hok as Hok'. unfold layer_ok in Hok'. apply andb_prop in Hok'. destruct Hok' as (_ & Hok').
        unfold derived. destruct (l_op l); try discriminate Haff; try discriminate Hok'; cbn [count]; rewrite ?map_length; auto using softmax_bounds_length. }
      destruct (store_derived_sound s y l total Hok Hshape' Hholds Hfits b k G ltac:(lia) b1 Hd) as (_ & G1). specialize (G1 Hlen).
      exists (Nat.max k (idx (l_first l) + count (l_op l))). split; [exact G1 |]. fold total in Hfits. split; [lia |]. split; [lia |]. cbn [fst snd].
      eapply (Hjoin b1 b1 _ _ _ (Rule rule)); eauto; lia.
  Qed.

  (* What the first PROPAGATE establishes about overflow *)
  Definition layer_premise (l : layer) : Prop :=
    match l_op l with Affine factor _ rows => Forall (row_premise y (V factor)) rows | _ => True end.

  Lemma propagate_layer_premise : forall l rest n k rule swept st st', layered y s (e_total E) n (l :: rest) ->
    propagating st n k -> propagate_layer E true rule swept (Some st) l = Some st' -> layer_premise l.
  Proof.
    intros l rest n k rule swept [b sops] st' (Hok & Hshape & Hfirst & Hholds & Hfits & Hrest) (G & Hk & Hin & Hc) H.
    cbn [fst snd] in *. subst n. unfold layer_premise, propagate_layer in *.
    assert (Hshape' : exists t r, l = make_layer t (l_first l) r (l_op l)) by (destruct Hshape as (r & Hr); now exists (e_total E), r).
    pose proof (layer_facts l Hok Hshape') as (_ & Hbelow & Hsub & _).
    destruct (l_op l) as [factor rho rows | | | | | | |] eqn:Hop; try exact I.
    destruct (forallb (fun c => premise_ok factor c (row_s (read (bx b)) c)) (l_rows l)) eqn:Hp; [| discriminate]. clear H.
    assert (Elr : l_rows l = map compile_row rows) by (destruct Hshape as (r & ->); reflexivity).
    pose proof Hok as Hok'. unfold layer_ok in Hok'. apply andb_prop in Hok'. destruct Hok' as (_ & Hok'). rewrite Hop in Hok'.
    apply andb_prop in Hok'. destruct Hok' as (Hopok & Hrows). rewrite forallb_forall in Hrows, Hp.
    apply Forall_forall. intros r Hr.
    assert (Hrok : row_ok (compile_row r) = true) by (apply Hrows; rewrite Elr; now apply in_map).
    assert (within : forall t, In t (terms r) -> fin (read (bx b) (fst t)) /\ Rabs (at_element y (fst t)) <= V (read (bx b) (fst t))).
    { intros t Ht. assert (Hin' : In (fst t) (l_read l)) by (apply Hsub; cbn; apply in_flat_map; exists r; split; [exact Hr | now apply in_map]).
      assert (Hst : strong b y (fst t)) by (apply (strong_of b k _ G); [specialize (Hbelow _ Hin'); lia | lia]).
      split; [apply Hst | now apply strong_size]. }
    apply (premise_step r Hrok (read (bx b)) y within factor rho Hopok). apply Hp. rewrite Elr. now apply in_map.
  Qed.

  Theorem propagate_premises : forall rule swept b k b', length swept = length (e_layers E) ->
    good b y k total -> (ins <= k <= total)%nat -> propagate E true rule swept b = Some b' -> Forall layer_premise (e_layers E).
  Proof.
    intros rule swept b k b' Hlen G Hk H. unfold propagate in H.
    destruct (fold_left _ _ _) as [st' |] eqn:Hf; [| discriminate]. clear H.
    assert (Gen : forall ls fs n k0 st, length fs = length ls -> layered y s (e_total E) n ls -> propagating st n k0 ->
      fold_left (fun st p => propagate_layer E true rule (snd p) st (fst p)) (combine ls fs) (Some st) = Some st' -> Forall layer_premise ls).
    { induction ls as [| l ls IH]; intros fs n k0 st Hl Hlay Hp Hfold; [constructor |].
      destruct fs as [| f fs]; [discriminate |]. cbn [combine fold_left fst snd] in Hfold.
      destruct (propagate_layer E true rule f (Some st) l) as [st1 |] eqn:H1.
      2:{ exfalso. clear - Hfold. assert (K : forall M, fold_left (fun st p => propagate_layer E true rule (snd p) st (fst p)) M None = None) by (induction M; auto).
          rewrite K in Hfold. discriminate. }
      constructor; [eapply propagate_layer_premise; eauto |].
      destruct (propagate_layer_sound l ls n k0 true rule f st st1 Hlay Hp H1) as (k1 & Hp1).
      destruct Hlay as (_ & _ & _ & _ & _ & Hlay). eapply IH; eauto. }
    eapply (Gen (e_layers E) swept ins k (b, [])); eauto.
    split; [exact G |]. split; [lia |]. split; [lia |]. reflexivity.
  Qed.

  Theorem propagate_sound : forall first rule swept b k b', length swept = length (e_layers E) ->
    good b y k total -> (ins <= k <= total)%nat -> propagate E first rule swept b = Some b' -> sound_context b'.
  Proof.
    intros first rule swept b k b' Hlen G Hk H. unfold propagate in H.
    destruct (fold_left _ _ _) as [[b1 sops] |] eqn:Hf; [| discriminate]. injection H as <-.
    assert (Gen : forall ls fs n k0 st st', length fs = length ls -> layered y s (e_total E) n ls -> propagating st n k0 ->
      fold_left (fun st p => propagate_layer E first rule (snd p) st (fst p)) (combine ls fs) (Some st) = Some st' ->
      exists k', propagating st' total k').
    { induction ls as [| l ls IH]; intros fs n k0 st st' Hl Hlay Hp Hfold.
      - injection Hfold as <-. exists k0. cbn in Hlay. fold total in Hlay. now subst.
      - destruct fs as [| f fs]; [discriminate |]. cbn [combine fold_left fst snd] in Hfold.
        destruct (propagate_layer E first rule f (Some st) l) as [st1 |] eqn:H1.
        2:{ exfalso. clear - Hfold. assert (K : forall M, fold_left (fun st p => propagate_layer E first rule (snd p) st (fst p)) M None = None) by (induction M; auto).
            rewrite K in Hfold. discriminate. }
        destruct (propagate_layer_sound l ls n k0 first rule f st st1 Hlay Hp H1) as (k1 & Hp1).
        destruct Hlay as (_ & _ & _ & _ & _ & Hlay). eapply IH; eauto. }
    destruct (Gen (e_layers E) swept ins k (b, []) (b1, sops) Hlen layers) as (k' & (G1 & Hk' & _)); auto.
    { split; [exact G |]. split; [lia |]. split; [lia |]. reflexivity. }
    cbn [fst] in G1. unfold sound_context. eapply good_less; [exact G1 | lia].
  Qed.

  (* ---- Refreshing, and the chain of all operators *)

  Lemma refresh_sound : forall b b', sound_context b -> refresh E b = Some b' -> sound_context b'.
  Proof.
    intros b b' G H. unfold refresh in H.
    assert (Gen : forall ls n b, layered y s (e_total E) n ls -> sound_context b ->
      fold_left (fun ob l => match ob with Some b => store_derived (e_sem E) b l | None => None end) ls (Some b) = Some b' -> sound_context b').
    { clear b G H. induction ls as [| l ls IH]; intros n b Hlay G H; [injection H as <-; exact G |].
      cbn [fold_left] in H. destruct (store_derived (e_sem E) b l) as [b1 |] eqn:Hd.
      2:{ exfalso. clear - H. assert (K : forall M, fold_left (fun ob l => match ob with Some b => store_derived (e_sem E) b l | None => None end) M None = None) by (induction M; auto).
          rewrite K in H. discriminate. }
      destruct Hlay as (Hok & Hshape & Hfirst & Hholds & Hfits & Hrest). subst n.
      assert (Hshape' : exists t r, l = make_layer t (l_first l) r (l_op l)) by (destruct Hshape as (r & Hr); now exists (e_total E), r).
      eapply IH; [exact Hrest | | exact H]. pose proof (layered_below _ _ _ _ _ Hrest).
      now apply (store_derived_sound s y l total Hok Hshape' Hholds Hfits b total G ltac:(fold total in Hfits; lia) b1 Hd). }
    eapply Gen; eauto.
  Qed.

  Lemma all_sops_chain : forall b sl, sound_context b -> sound_chain (read (bx b)) y ins (all_sops E b sl) total.
  Proof.
    intros b sl G. unfold all_sops, sops_of.
    assert (Gen : forall ls n sops sl, layered y s (e_total E) n ls -> sound_chain (read (bx b)) y ins sops n ->
      sound_chain (read (bx b)) y ins (fst (fold_left (fun st l => let (o, sl') := layer_sop (e_sem E) b l (snd st) in (o :: fst st, sl')) ls (sops, sl))) total).
    { clear sl. induction ls as [| l ls IH]; intros n sops sl Hlay Hc; [cbn in *; fold total in Hlay; now subst |].
      cbn [fold_left fst snd]. destruct (layer_sop (e_sem E) b l sl) as [o sl'] eqn:Hsop.
      destruct Hlay as (Hok & Hshape & Hfirst & Hholds & Hfits & Hrest). subst n.
      destruct (layer_step_sound s y l (e_total E) Hok Hshape Hholds (make_size nat O) Hfits b total G ltac:(fold total in Hfits; lia) sl o sl' Hsop) as (So & Sc & Sf & Sm).
      apply (IH (idx (l_first l) + count (l_op l))%nat); [exact Hrest |].
      exists (idx (l_first l)). rewrite Sc. auto. }
    apply (Gen _ ins); [exact layers | reflexivity].
  Qed.

  (* ---- Hints, and TIGHTEN *)

  Lemma hints_below : forall ls limit b l sl ms r, hints E ls limit b l = Some (sl, ms, r) ->
    forall m, In m ms -> (idx (fst m) < idx limit)%nat.
  Proof.
    intros ls limit b l sl ms r Hh. unfold hints in Hh. destruct l as [| spec l]; [discriminate |].
    destruct (negb _); [discriminate |]. destruct (match rule_of _ with Some _ => _ | None => _ end) as [[sl0 r2] |]; [| discriminate].
    destruct (spec <? 128)%uint63; [injection Hh as _ <- _; easy |].
    destruct (varint r2) as [[n r3] |]; [| discriminate]. destruct ((n =? 0)%uint63 || (limit <? n)%uint63); [discriminate |].
    destruct (multiplier_list E limit (nat_of n) true 0 r3) as [[ms0 r4] |] eqn:Hm; [| discriminate]. injection Hh as _ <- _.
    revert Hm. generalize true as first. generalize 0%uint63 as prev. generalize (nat_of n) as k. intros k. revert r3 ms0 r4. clear.
    induction k as [| k IH]; intros r3 ms0 r4 prev first Hm; cbn [multiplier_list] in Hm; [injection Hm as <- <-; easy |].
    destruct (increasing limit first prev r3) as [[e r5] |] eqn:He; [| discriminate].
    destruct (f32 r5) as [[beta r6] |]; [| discriminate].
    destruct ((beta =? 0)%float || negb (read (e_affine E) e)); [discriminate |]. destruct (multiplier_list E limit k false e r6) as [[ms1 r7] |] eqn:Hm1; [| discriminate].
    injection Hm as <- <-. intros m [<- | Hin]; [| eapply IH; eauto].
    unfold increasing in He. destruct (varint r3) as [[step r8] |]; [| discriminate].
    destruct (negb ((step <? limit) && (prev + step <? limit))%uint63) eqn:Hlt; [discriminate |].
    destruct (negb first && (step =? 0)%uint63); [discriminate |]. injection He as <- _.
    cbn [fst]. apply Bool.negb_false_iff, andb_prop in Hlt. destruct Hlt as (_ & Hlt). apply ltb_spec in Hlt.
    unfold idx. pose proof (to_Z_bounded (prev + step)). pose proof (to_Z_bounded limit). lia.
  Qed.

  Lemma idx_add : forall e n, (idx e + n <= total)%nat -> idx (e + int_of n)%uint63 = (idx e + n)%nat.
  Proof.
    intros e n H. unfold total, idx, int_of in *. pose proof (to_Z_bounded e). pose proof (to_Z_bounded (e_total E)).
    rewrite add_spec, of_Z_spec, (Z.mod_small (Z.of_nat _)) by (change wB with (2 ^ 63)%Z in *; lia).
    rewrite Z.mod_small by (change wB with (2 ^ 63)%Z in *; lia). lia.
  Qed.

  (* The first layers make a chain up to the end of the last of them. *)
  Lemma prefix_chain : forall k lay b sl, sound_context b -> nth_error (e_layers E) k = Some lay ->
    exists n, (ins <= n <= total)%nat /\ idx (l_first lay + int_of (count (l_op lay)))%uint63 = n /\
      sound_chain (read (bx b)) y ins (sops_of E b (firstn (S k) (e_layers E)) sl) n.
  Proof.
    intros k lay b sl G. unfold sops_of.
    assert (Gen : forall ls n0 sops sl k, layered y s (e_total E) n0 ls -> (ins <= n0)%nat -> sound_chain (read (bx b)) y ins sops n0 -> nth_error ls k = Some lay ->
      exists n, (ins <= n <= total)%nat /\ idx (l_first lay + int_of (count (l_op lay)))%uint63 = n /\
        sound_chain (read (bx b)) y ins (fst (fold_left (fun st l => let (o, sl') := layer_sop (e_sem E) b l (snd st) in (o :: fst st, sl')) (firstn (S k) ls) (sops, sl))) n).
    { clear sl k. induction ls as [| l ls IH]; intros n0 sops sl k Hlay Hi Hc Hk; [destruct k; discriminate |].
      cbn [firstn fold_left fst snd]. destruct (layer_sop (e_sem E) b l sl) as [o sl'] eqn:Hsop.
      destruct Hlay as (Hok & Hshape & Hfirst & Hholds & Hfits & Hrest). subst n0.
      destruct (layer_step_sound s y l (e_total E) Hok Hshape Hholds (make_size nat O) Hfits b total G ltac:(fold total in Hfits; lia) sl o sl' Hsop) as (So & Sc & Sf & Sm).
      assert (Hc' : sound_chain (read (bx b)) y ins (o :: sops) (idx (l_first l) + count (l_op l))) by (exists (idx (l_first l)); rewrite Sc; auto).
      destruct k as [| k].
      - injection Hk as ->. exists (idx (l_first lay) + count (l_op lay))%nat. fold total in Hfits. split; [lia |].
        split; [now apply idx_add |]. cbn [firstn fold_left fst]. exact Hc'.
      - cbn [nth_error] in Hk. apply (IH (idx (l_first l) + count (l_op l))%nat); auto. lia. }
    intros Hk. apply (Gen _ ins); auto. reflexivity.
  Qed.

  Lemma tight_list_sound : forall b ls n first limit targets, sound_context b -> (ins <= n <= total)%nat -> idx limit = n ->
    (forall sl, sound_chain (read (bx b)) y ins (sops_of E b ls sl) n) ->
    forall k start previous l found r, tight_list E b ls first limit targets k start previous l = Some (found, r) ->
    forall p, In p found -> (idx (fst p) < total)%nat /\
      (fin (fst (snd p)) -> V (fst (snd p)) <= y (idx (fst p))) /\ (fin (snd (snd p)) -> y (idx (fst p)) <= V (snd (snd p))).
  Proof.
    intros b ls n first limit targets G Hn Hl Hc. induction k as [| k IH]; intros start previous l found r H; cbn [tight_list] in H; [injection H as <- _; easy |].
    destruct (increasing targets start previous l) as [[t r1] |]; [| discriminate].
    set (e := (first + (t >> 1))%uint63) in *. destruct (negb (e <? limit)%uint63) eqn:Hlt; [discriminate |].
    destruct (hints E ls limit b r1) as [[[sl ms] r2] |] eqn:Hh; [| discriminate].
    destruct (tight_list E b ls first limit targets k false t r2) as [[rest r3] |] eqn:Hr; [| discriminate].
    injection H as <- _. intros p [<- | Hp]; [| eapply IH; eauto].
    assert (He : (idx e < n)%nat).
    { apply Bool.negb_false_iff, ltb_spec in Hlt. rewrite <- Hl. unfold idx.
      pose proof (to_Z_bounded e). pose proof (to_Z_bounded limit). lia. }
    cbn [fst snd]. split; [lia |].
    assert (Hrow : forall a, fin (array_row E b (sops_of E b ls sl) ms e a) -> V (array_row E b (sops_of E b ls sl) ms e a) <= V a * y (idx e)).
    { intros a. apply (array_row_sound b n); auto; try lia; [apply (good_less b y total); [exact G | lia] |].
      rewrite <- Hl. now apply (hints_below _ _ _ _ _ _ _ Hh). }
    destruct (t land 1 =? 1)%uint63; cbn [fst snd]; split; intros F; try (now apply nan_not_fin in F).
    - apply (proj1 (opp_fin _)) in F. specialize (Hrow _ F). rewrite opp_V.
      assert (Vm1 : V (-1) = -1) by (literal_V (-1)%float; simpl; lra). rewrite Vm1 in Hrow. lra.
    - specialize (Hrow _ F). rewrite V_1 in Hrow. lra.
  Qed.

  Lemma tighten_sound : forall b l b' r, sound_context b -> tighten E b l = Some (b', r) -> sound_context b'.
  Proof.
    intros b l b' r G H. unfold tighten in H. destruct (index _ l) as [[p r0] |]; [| discriminate].
    destruct (p =? 0)%uint63 eqn:Hp; [discriminate |].
    destruct (nth_error (e_layers E) (nat_of p - 1)) as [lay |] eqn:Hlay; [| discriminate]. destruct (varint r0) as [[n r1] |]; [| discriminate].
    destruct (negb _ || _ || _); [discriminate |].
    destruct (refresh E b) as [b1 |] eqn:Hr; [| discriminate]. pose proof (refresh_sound _ _ G Hr) as G1.
    destruct (tight_list _ _ _ _ _ _ _ _ _ _) as [[found r2] |] eqn:Ht; [| discriminate]. injection H as <- _.
    assert (Hs : nat_of p = S (nat_of p - 1)).
    { apply eqb_false_spec in Hp. unfold nat_of. pose proof (to_Z_bounded p). enough (to_Z p <> 0%Z) by lia.
      intros Hz. apply Hp. apply to_Z_inj. rewrite Hz. reflexivity. }
    rewrite Hs in Ht. pose proof (prefix_chain (nat_of p - 1) lay b1) as Hpc.
    destruct (Hpc (Rule adaptive) G1 Hlay) as (m & Hm & Hlim & _).
    unfold sound_context. apply meet_all_good; [exact G1 | lia |].
    eapply (tight_list_sound b1 _ m); [exact G1 | exact Hm | exact Hlim | | exact Ht].
    intros sl. destruct (Hpc sl G1 Hlay) as (m' & _ & Hlim' & Hc). rewrite Hlim in Hlim'. subst m'. exact Hc.
  Qed.

  (* ---- An unsafe point of one disjunct *)

  Variables (point : nat -> R) (c : disjunct) (f : fdisjunct).
  Hypothesis feeding : forall j, (j < ins)%nat -> y j = fed s (point j).
  Hypothesis rep : represents_disjunct s c f.
  Hypothesis point_in_box : in_box point (box c).
  Hypothesis point_satisfies : Forall (satisfied point (map (at_element y) (e_outputs E))) (constraints c).
  Hypothesis box_length : length (fbox f) = ins.
  Hypothesis constraints_ok : forallb (constraint_ok E) (fconstraints f) = true.
  Hypothesis outputs_below : forallb (fun e => (e <? e_total E)%uint63) (e_outputs E) = true.

  Lemma meet_box_sound : forall b, sound_context b -> sound_context (meet_box E b f).
  Proof.
    intros b G. unfold meet_box. apply (meet_all_good (combine (e_inputs E) (fbox f)) b total G (le_n _)).
    intros [e lh] Hin. cbn [fst snd]. pose proof (input_in e (in_combine_l _ _ _ _ Hin)) as He. pose proof ins_below.
    assert (Hlh : lh = nth (idx e) (fbox f) (nan, nan)).
    { clear - Hin inputs_shape inputs_few. rewrite inputs_shape in Hin.
      assert (Gen : forall k e0 L, room_for (idx e0 + k) -> In (e, lh) (combine (ints_from e0 k) L) -> lh = nth (idx e - idx e0) L (nan, nan) /\ (idx e0 <= idx e)%nat).
      { clear. induction k as [| k IH]; intros e0 L Hr Hin; [easy |]. cbn [ints_from] in Hin. destruct L as [| a L]; [easy |]. cbn [combine] in Hin.
        destruct Hin as [Heq | Hin]; [injection Heq as <- <-; rewrite Nat.sub_diag; split; [reflexivity | lia] |].
        assert (Hs : idx (e0 + 1)%uint63 = S (idx e0)) by (apply idx_succ; unfold room_for in *; lia).
        destruct (IH (e0 + 1)%uint63 L) as (A & B); [rewrite Hs; unfold room_for in *; lia | exact Hin |]. rewrite Hs in *.
        split; [| lia]. rewrite A. replace (idx e - idx e0)%nat with (S (idx e - S (idx e0))) by lia. reflexivity. }
      destruct (Gen ins 0%uint63 (fbox f)) as (A & _); [unfold room_for; change (idx 0%uint63) with O; lia | exact Hin |].
      change (idx 0%uint63) with O in A. now rewrite Nat.sub_0_r in A. }
    destruct rep as [Hl Hb _]. assert (Hj : (idx e < length (box c))%nat) by (rewrite Hl, box_length; exact He).
    specialize (Hb (idx e) (point (idx e)) Hj (point_in_box _ Hj)). rewrite <- Hlh, <- feeding in Hb by exact He.
    split; [lia |]. split; intros _; lra.
  Qed.

  Lemma element_value : forall v, variable_ok E v = true ->
    (idx (element_of (e_outputs E) v) < total)%nat /\
    value_of (e_outputs E) y point v = variable_value point (map (at_element y) (e_outputs E)) v.
  Proof.
    intros v Hv. destruct v as [j | k]; cbn [variable_ok value_of variable_value element_of] in *.
    - apply Nat.ltb_lt in Hv. split; [| reflexivity]. rewrite idx_int_of; [pose proof ins_below; fold ins in Hv; lia |]. fold ins in Hv. change wB with (2 ^ 63)%Z. lia.
    - apply Nat.ltb_lt in Hv. split.
      + pose proof outputs_below as Hob. rewrite forallb_forall in Hob. specialize (Hob (nth k (e_outputs E) 0%uint63) (nth_In _ _ Hv)).
        apply ltb_spec in Hob. unfold total, idx. pose proof (to_Z_bounded (nth k (e_outputs E) 0%uint63)). lia.
      + rewrite (nth_indep _ 0 (at_element y 0%uint63)) by (now rewrite map_length). now rewrite map_nth.
  Qed.

  (* Every rounded constraint of the disjunct stands for one that holds at the point. *)
  Lemma constraint_facts : forall k, In k (fconstraints f) ->
    (exists e, represents e k /\ sum (fun t => Q2R (snd t) * value_of (e_outputs E) y point (fst t)) (left e) <= Q2R (right e)) /\
    (forall t, In t (fleft k) -> variable_ok E (fst t) = true) /\ INR (length (fleft k)) <= 1048576 /\ (1 <= length (fleft k))%nat.
  Proof.
    intros k Hk. destruct rep as [_ _ Hr].
    assert (exists e, In e (constraints c) /\ represents e k) as (e & He & Hek).
    { apply In_nth_error in Hk. destruct Hk as (i & Hk). clear - Hr Hk. revert i Hk. induction Hr as [| a b0 la lb Hab Hr IH]; intros i Hk; [destruct i; discriminate |].
      destruct i as [| i]; [injection Hk as <-; exists a; split; [now left | exact Hab] |]. destruct (IH i Hk) as (e & He & Hek). exists e. split; [now right | exact Hek]. }
    pose proof constraints_ok as Hcok. rewrite forallb_forall in Hcok. specialize (Hcok k Hk).
    unfold constraint_ok in Hcok. apply andb_prop in Hcok. destruct Hcok as (Hcok & Hone). apply andb_prop in Hcok. destruct Hcok as (Hvars & Hfew).
    rewrite forallb_forall in Hvars. apply Z.leb_le in Hfew. apply Nat.leb_le in Hone.
    split; [| split; [exact Hvars | split; [rewrite INR_IZR_INZ; apply (IZR_le _ (2 ^ 20)); exact Hfew | exact Hone]]].
    exists e. split; [exact Hek |].
    pose proof point_satisfies as Hps. rewrite Forall_forall in Hps. specialize (Hps e He). unfold satisfied in Hps.
    rewrite (sum_ext _ _ (fun t => Q2R (snd t) * variable_value point (map (at_element y) (e_outputs E)) (fst t))); [exact Hps |].
    intros t Ht. f_equal. apply element_value. destruct Hek as [Hv _ _].
    apply (in_map fst) in Ht. rewrite Hv in Ht. apply in_map_iff in Ht. destruct Ht as (u & <- & Hu). now apply Hvars.
  Qed.

  Lemma fed_inputs : forall k j t, In k (fconstraints f) -> In (X j, t) (fleft k) -> y (idx (element_of (e_outputs E) (X j))) = fed s (point j).
  Proof.
    intros k j t Hk Ht. destruct (constraint_facts k Hk) as (_ & Hvars & _). specialize (Hvars _ Ht). cbn in Hvars. apply Nat.ltb_lt in Hvars.
    cbn [element_of]. fold ins in Hvars. rewrite idx_int_of by (change wB with (2 ^ 63)%Z; lia). now apply feeding.
  Qed.

  Lemma factor_list_facts : forall k l fs r, factor_list f k l = Some (fs, r) ->
    forall m, In m fs -> In (fst m) (fconstraints f) /\ fin (snd m) /\ p2 (-400) <= V (snd m).
  Proof.
    induction k as [| k IH]; intros l fs r H; cbn [factor_list] in H; [injection H as <- <-; easy |].
    destruct (index _ l) as [[n r0] |]; [| discriminate]. destruct (nth_error (fconstraints f) (nat_of n)) as [g |] eqn:Hg; [| discriminate].
    destruct (f64 r0) as [[mu r1] |]; [| discriminate]. destruct ((0x1p-400 <=? mu)%float && (mu <=? 0x1p400)%float && is_finite mu) eqn:Ht; [| discriminate].
    destruct (factor_list f k r1) as [[fs1 r2] |] eqn:Hr; [| discriminate]. injection H as <- <-.
    intros m [<- | Hm]; [| eapply IH; eauto]. cbn [fst snd]. apply andb_prop in Ht. destruct Ht as (Ht & F). apply andb_prop in Ht. destruct Ht as (Hlo & _).
    apply finite_is_finite in F. assert (F400 : fin 0x1p-400) by literal_fin. apply leb_V in Hlo; auto.
    assert (V400 : V 0x1p-400 = p2 (-400)).
    { literal_V 0x1p-400%float. replace (-400)%Z with (52 + -452)%Z by lia. rewrite bpow_plus. change (p2 52) with 4503599627370496. reflexivity. }
    rewrite V400 in Hlo. split; [now apply nth_error_In in Hg | split; [exact F | exact Hlo]].
  Qed.

  (* The selected form is at most tau / 4 at the point. *)
  Lemma selected_sound : forall b l form_ r, sound_context b -> selected E b f l = Some (form_, r) ->
    size (snd form_) = total /\
    (fin (fst form_) -> (forall i, (i < total)%nat -> fin (nat_at (snd form_) i)) -> V (fst form_) + form (snd form_) total y <= tauR / 4).
  Proof.
    intros b l [cc A] r G H. unfold selected in H. destruct (varint l) as [[n r1] |]; [| discriminate]. cbn [fst snd].
    assert (Hst : forall e, (idx e < total)%nat -> strong b y e) by (intros; apply (strong_of b total); auto).
    assert (Hrange : forall k t, In k (fconstraints f) -> In t (fleft k) -> (idx (element_of (e_outputs E) (fst t)) < total)%nat).
    { intros k t Hk Ht. destruct (constraint_facts k Hk) as (_ & Hv & _). now apply (element_value (fst t)), Hv. }
    destruct (n <? int_of (length (fconstraints f)))%uint63.
    - destruct (nth_error (fconstraints f) (nat_of n)) as [k |] eqn:Hk; [| discriminate]. apply nth_error_In in Hk.
      apply (f_equal (fun o => match o with Some p => fst p | None => (cc, A) end)) in H. cbn [fst] in H.
      destruct (constraint_facts k Hk) as ((e & Hek & Hsat) & Hvars & Hfew & _).
      assert (Hsize : size A = total).
      { apply (f_equal snd) in H. cbn [snd] in H. rewrite <- H. unfold constraint_form. cbn [snd]. rewrite size_add_terms. apply zeros_size. }
      split; [exact Hsize |]. intros Fc FA.
      apply (constraint_form_sound s (e_outputs E) (read (bx b)) y point total e k Hek Hsat) with (zeros := zeros E); auto.
      + intros t Ht. now apply (Hrange k).
      + intros t Ht. apply strong_size, Hst. now apply (Hrange k).
      + intros j t Ht. now apply (fed_inputs k j t).
      + apply zeros_size.
      + apply zeros_zero.
    - destruct (n =? int_of (length (fconstraints f)))%uint63; [| discriminate].
      destruct (varint r1) as [[k r2] |]; [| discriminate]. destruct ((k =? 0)%uint63 || (int_of (length r2) <? k)%uint63); [discriminate |].
      destruct (factor_list f (nat_of k) r2) as [[fs r3] |] eqn:Hfl; [| discriminate]. pose proof (factor_list_facts _ _ _ _ Hfl) as Hfs.
      destruct (Z.of_nat (length (scaled_terms (e_outputs E) fs)) <=? 1000000)%Z eqn:Hlen; [| discriminate]. apply Z.leb_le in Hlen.
      apply (f_equal (fun o => match o with Some p => fst p | None => (cc, A) end)) in H. cbn [fst] in H.
      assert (Hsize : size A = total).
      { apply (f_equal snd) in H. cbn [snd] in H. rewrite <- H. unfold combination_form. cbn [snd]. rewrite size_add_terms. apply zeros_size. }
      split; [exact Hsize |]. intros Fc FA.
      apply (combination_form_sound s (e_outputs E) (read (bx b)) y point total fs) with (zeros := zeros E); auto.
      + intros m Hm. destruct (Hfs m Hm) as (Hk & _). now destruct (constraint_facts _ Hk).
      + intros m t Hm Ht. destruct (Hfs m Hm) as (Hk & _). now apply (Hrange (fst m)).
      + intros m t Hm Ht. destruct (Hfs m Hm) as (Hk & _). apply strong_size, Hst. now apply (Hrange (fst m)).
      + intros m j t Hm Ht. destruct (Hfs m Hm) as (Hk & _). now apply (fed_inputs (fst m) j t).
      + intros m Hm. destruct (Hfs m Hm) as (Hk & _). now destruct (constraint_facts _ Hk) as (_ & _ & Hfew & _).
      + intros m Hm. now destruct (Hfs m Hm).
      + rewrite INR_IZR_INZ. apply (IZR_le _ 1000000). exact Hlen.
      + apply le_INR.
        assert (Gen : forall L, (forall m, In m L -> In m fs) -> (length L <= length (scaled_terms (e_outputs E) L))%nat).
        { induction L as [| m L IH]; intros HL; [cbn; lia |]. unfold scaled_terms in *. cbn [flat_map]. rewrite app_length, map_length. cbn [length].
          specialize (IH (fun m0 Hm0 => HL m0 (or_intror Hm0))). destruct (Hfs m (HL m (or_introl eq_refl))) as (Hk & _).
          destruct (constraint_facts _ Hk) as (_ & _ & _ & Hone). lia. }
        apply Gen. auto.
      + apply zeros_size.
      + apply zeros_zero.
  Qed.

  Lemma form_sweep_sound : forall b l b1 cc A lb r, sound_context b -> form_sweep E b f l = Some (b1, Some (cc, A, lb), r) ->
    V lb + tauR / 4 <= 0 /\ sound_context (clip E b1 A lb).
  Proof.
    intros b l b1 cc A lb r G H. unfold form_sweep in H.
    destruct (refresh E b) as [b1' |] eqn:Hr; [| discriminate]. pose proof (refresh_sound _ _ G Hr) as G1.
    destruct (selected E b1' f l) as [[form_ r0] |] eqn:Hs; [| discriminate].
    destruct (hints E (e_layers E) (e_total E) b1' r0) as [[[sl ms] r1] |] eqn:Hh; [| discriminate].
    injection H as <- Hrun _. unfold run_form in Hrun.
    destruct (sweep _ _ _ _ _ _ _) as [[c' A'] |] eqn:Hsw; [| discriminate].
    destruct (input_bound _ _ _ _ _ _) as [lb' |] eqn:Hib; [| discriminate]. injection Hrun as <- <- <-.
    destruct (selected_sound b1' l form_ r0 G1 Hs) as (Hsize & Hform).
    pose proof (hints_below _ _ _ _ _ _ _ Hh) as Hms.
    destruct (sweep_bound b1' total (all_sops E b1' sl) ms (fst form_) (snd form_) c' A' lb' G1 (le_n _) ins_below
                (all_sops_chain b1' sl G1) ltac:(lia) Hms Hsw Hib) as (Fc & FA & Flb & FA' & Hv & Hlb & Hin).
    specialize (Hform Fc FA). rewrite form_inputs in Hv. pose proof tau_positive as Htp.
    pose proof (sum_le _ _ _ _ Hin) as Hsum. cbv beta in Hsum.
    split; [lra |].
    (* CLIP: every input is where the others leave it *)
    unfold clip. apply meet_all_good; [exact G1 | lia |]. intros p Hp. apply in_map_iff in Hp. destruct Hp as (j & <- & Hj).
    apply filter_In in Hj. destruct Hj as (Hj & _). cbn [fst snd]. pose proof (input_in j Hj) as Hji. pose proof ins_below.
    split; [lia |].
    set (a := read A' j) in *. set (e := end_of (read (blo b1')) (read (bhi b1')) a j).
    assert (Fe : fin e).
    { destruct (strong_of b1' total j G1 ltac:(lia) (le_n _)) as (F1 & F2 & _). unfold e, end_of. destruct (0 <? a)%float; assumption. }
    apply (clip_end_sound a e lb' (y (idx j))); [| exact Fe].
    (* all other inputs at their ends *)
    assert (Hother : V a * y (idx j) - V a * V e <=
      sum (fun j0 => V (read A' j0) * y (idx j0)) (e_inputs E)
      - sum (fun j0 => V (read A' j0) * V (end_of (read (blo b1')) (read (bhi b1')) (read A' j0) j0)) (e_inputs E)).
    { set (g := fun j0 => V (read A' j0) * y (idx j0) - V (read A' j0) * V (end_of (read (blo b1')) (read (bhi b1')) (read A' j0) j0)).
      assert (Hg : g j <= sum g (e_inputs E)).
      { apply sum_in_le; [| exact Hj]. intros j0 Hj0. specialize (Hin j0 Hj0). unfold g. lra. }
      assert (Hsplit : sum g (e_inputs E) = sum (fun j0 => V (read A' j0) * y (idx j0)) (e_inputs E)
        - sum (fun j0 => V (read A' j0) * V (end_of (read (blo b1')) (read (bhi b1')) (read A' j0) j0)) (e_inputs E)).
      { unfold g. clear. induction (e_inputs E) as [| i l IH]; [unfold sum; simpl; ring |].
        change (sum ?h (i :: l)) with (h i + sum h l). cbv beta. rewrite IH. ring. }
      rewrite <- Hsplit. exact Hg. }
    lra.
  Qed.

  Lemma form_sweep_context : forall b l b1 o r, sound_context b -> form_sweep E b f l = Some (b1, o, r) -> sound_context b1.
  Proof.
    intros b l b1 o r G H. unfold form_sweep in H. destruct (refresh E b) as [b1' |] eqn:Hr; [| discriminate].
    destruct (selected E b1' f l) as [[form_ r0] |]; [| discriminate]. destruct (hints E (e_layers E) (e_total E) b1' r0) as [[[sl ms] r1] |]; [| discriminate].
    injection H as <- _ _. eapply refresh_sound; eauto.
  Qed.

  (* ---- The tree: no context that it closes holds an unsafe point of this disjunct *)

  Variable number : nat.
  Hypothesis numbered : nth_error (e_disjuncts E) number = Some f.

  Lemma split_sound : forall b e v, sound_context b -> (idx e < total)%nat ->
    sound_context (meet b e nan v) \/ sound_context (meet b e v nan).
  Proof.
    intros b e v G He. destruct (Rle_lt_dec (y (idx e)) (V v)).
    - left. apply (meet_good b y total total e nan v G He (le_n _)); intros F; [now apply nan_not_fin in F | assumption].
    - right. apply (meet_good b y total total e v nan G He (le_n _)); intros F; [lra | now apply nan_not_fin in F].
  Qed.

  Lemma read_swept_length : forall mode l fs r, read_swept E mode l = Some (fs, r) -> length fs = length (e_layers E).
  Proof.
    intros mode l fs r H. unfold read_swept in H. destruct (mode =? 0)%uint63; [injection H as <- _; now rewrite map_length |].
    destruct (mode =? 1)%uint63; [injection H as <- _; now rewrite map_length |]. destruct (mode =? 2)%uint63; [| discriminate].
    destruct (varint l) as [[n r1] |]; [| discriminate]. destruct (_ <? n)%uint63; [discriminate |].
    destruct (listed _ _ _ _) as [[os r2] |]; [| discriminate]. destruct (flags 1 (e_layers E) os) as [fs' |] eqn:Hf; [| discriminate].
    injection H as <- _. clear - Hf. revert Hf. generalize 1%uint63 as n. revert os fs'.
    induction (e_layers E) as [| x ls IH]; intros os fs' n Hf; cbn [flags] in Hf.
    - destruct os; [injection Hf as <-; reflexivity | discriminate].
    - destruct os as [| o os].
      + destruct (flags _ ls []) as [fs |] eqn:Hg; [| discriminate]. injection Hf as <-. cbn. f_equal. eapply IH; eauto.
      + destruct (o =? n)%uint63.
        * destruct (is_affine _); [| discriminate]. destruct (flags _ ls os) as [fs |] eqn:Hg; [| discriminate]. injection Hf as <-. cbn. f_equal. eapply IH; eauto.
        * destruct (flags _ ls (o :: os)) as [fs |] eqn:Hg; [| discriminate]. injection Hf as <-. cbn. f_equal. eapply IH; eauto.
  Qed.

  (* y is in what a piece has to close. *)
  Definition in_piece (p : piece) : Prop := sound_context (fst p) /\ match snd p with Some k => k = number | None => True end.

  Lemma check_refutes : forall fuel first depth b active_ l r ps, check E fuel first depth b active_ l = Some (r, ps) ->
    (if first then good b y ins total else sound_context b) ->
    match active_ with Some k => k = number | None => True end -> Exists in_piece ps.
  Proof.
    induction fuel as [| fuel IH]; intros first depth b active_ l r ps H G Hact; [discriminate |].
    cbn [check] in H. destruct l as [| code l]; [discriminate |].
    destruct (first && negb (code =? 1)%uint63) eqn:Hfirst; [discriminate |].
    destruct (code =? 1)%uint63 eqn:H1.
    { destruct l as [| mode [| rule l]]; try discriminate. destruct (rule_of rule) as [sl |]; [| discriminate].
      destruct (read_swept E mode l) as [[swept r2] |] eqn:Hsw; [| discriminate].
      destruct (propagate E first sl swept b) as [b' |] eqn:Hp; [| discriminate].
      apply (IH _ _ _ _ _ _ _ H); [| exact Hact]. pose proof ins_below.
      eapply propagate_sound with (k := if first then ins else total); eauto.
      - eapply read_swept_length; eauto.
      - destruct first; exact G.
      - destruct first; lia. }
    assert (first = false) as -> by (destruct first; [discriminate Hfirst | reflexivity]). cbn [andb] in *. clear Hfirst H1.
    destruct (code =? 2)%uint63.
    { destruct active_ as [k |]; [| discriminate]. subst k. rewrite numbered in H.
      destruct (form_sweep E b f l) as [[[b1 o] r1] |] eqn:Hf; [| discriminate].
      destruct o as [[[cc A] lb] |].
      - destruct (form_sweep_sound _ _ _ _ _ _ _ G Hf) as (_ & G'). apply (IH _ _ _ _ _ _ _ H); auto.
      - apply (IH _ _ _ _ _ _ _ H); auto. eapply form_sweep_context; eauto. }
    destruct (code =? 3)%uint63.
    { destruct (most_depth <=? depth)%uint63; [discriminate |].
      assert (Gen : forall ks r0 ps0, In number ks ->
        (fix children (ks : list nat) (r : bytes) : option (bytes * list piece) :=
           match ks with
           | [] => Some (r, [])
           | k :: rest =>
               match nth_error (e_disjuncts E) k with
               | Some c0 =>
                   match check E fuel false (depth + 1)%uint63 (meet_box E b c0) (Some k) r with
                   | Some (r', ps) => match children rest r' with Some (r'', qs) => Some (r'', ps ++ qs) | None => None end
                   | None => None
                   end
               | None => None
               end
           end) ks r0 = Some (r, ps0) -> Exists in_piece ps0).
      { induction ks as [| k ks IHk]; intros r0 ps0 Hin Hc; [easy |].
        destruct (nth_error (e_disjuncts E) k) as [c0 |] eqn:Hk; [| discriminate].
        destruct (check E fuel false (depth + 1)%uint63 (meet_box E b c0) (Some k) r0) as [[r' ps1] |] eqn:Hch; [| discriminate].
        match type of Hc with match ?x with _ => _ end = _ => destruct x as [[r2 qs] |] eqn:Hrest; [| discriminate] end.
        injection Hc as -> <-. apply Exists_app.
        destruct Hin as [-> | Hin]; [left | right; eapply IHk; eauto].
        rewrite numbered in Hk. injection Hk as <-. apply (IH _ _ _ _ _ _ _ Hch); [| reflexivity]. now apply meet_box_sound. }
      refine (Gen _ _ _ _ H). destruct active_ as [k |]; [left; exact Hact |].
      apply in_seq. assert (number < length (e_disjuncts E))%nat by (apply nth_error_Some; congruence). lia. }
    assert (Htwo : forall e v r0, (idx e < total)%nat ->
      (if (most_depth <=? depth)%uint63 then None
       else match check E fuel false (depth + 1)%uint63 (meet b e nan v) active_ r0 with
            | Some (r', ps) =>
                match check E fuel false (depth + 1)%uint63 (meet b e v nan) active_ r' with Some (r'', qs) => Some (r'', ps ++ qs) | None => None end
            | None => None
            end) = Some (r, ps) -> Exists in_piece ps).
    { intros e v r0 He Hc. destruct (most_depth <=? depth)%uint63; [discriminate |].
      destruct (check E fuel false (depth + 1)%uint63 (meet b e nan v) active_ r0) as [[r' ps1] |] eqn:Hl; [| discriminate].
      destruct (check E fuel false (depth + 1)%uint63 (meet b e v nan) active_ r') as [[r'' ps2] |] eqn:Hr; [| discriminate].
      injection Hc as <- <-. apply Exists_app.
      destruct (split_sound b e v G He) as [G' | G']; [left; apply (IH _ _ _ _ _ _ _ Hl); auto | right; apply (IH _ _ _ _ _ _ _ Hr); auto]. }
    assert (Hidx : forall n lim, (n <? lim)%uint63 = true -> (idx n < idx lim)%nat).
    { intros n lim Hn. apply ltb_spec in Hn. unfold idx. pose proof (to_Z_bounded n). pose proof (to_Z_bounded lim). lia. }
    destruct (code =? 4)%uint63.
    { destruct (index (int_of (e_ins E)) l) as [[j r1] |] eqn:Hj; [| discriminate]. destruct (split_value E b j r1) as [[v r2] |]; [| discriminate].
      apply (Htwo j v r2); [| exact H]. unfold index in Hj. destruct (varint l) as [[n r0] |]; [| discriminate].
      destruct (n <? int_of (e_ins E))%uint63 eqn:Hn; [| discriminate]. injection Hj as <- _. apply Hidx in Hn. pose proof ins_below.
      rewrite idx_int_of in Hn by (fold ins; change wB with (2 ^ 63)%Z; lia). fold ins in Hn. lia. }
    destruct (code =? 5)%uint63.
    { destruct (index (e_total E) l) as [[e r1] |] eqn:Hj; [| discriminate]. destruct (read (e_affine E) e); [| discriminate].
      destruct (split_value E b e r1) as [[v r2] |]; [| discriminate].
      apply (Htwo e v r2); [| exact H]. unfold index in Hj. destruct (varint l) as [[n r0] |]; [| discriminate].
      destruct (n <? e_total E)%uint63 eqn:Hn; [| discriminate]. injection Hj as <- _. now apply Hidx. }
    destruct (code =? 6)%uint63.
    { destruct active_ as [k |]; [| discriminate]. subst k. rewrite numbered in H.
      destruct (form_sweep E b f l) as [[[b1 o] r1] |] eqn:Hf; [| discriminate]. destruct o as [[[cc A] lb] |]; [| discriminate].
      destruct (0 <? lb)%float eqn:Hz; [| discriminate].
      exfalso. destruct (form_sweep_sound _ _ _ _ _ _ _ G Hf) as (Hlb & _). pose proof tau_positive.
      assert (Flb : fin lb).
      { unfold form_sweep in Hf. destruct (refresh E b) as [b2 |]; [| discriminate]. destruct (selected E b2 f l) as [[form_ r0] |]; [| discriminate].
        destruct (hints E (e_layers E) (e_total E) b2 r0) as [[[sl ms] r3] |]; [| discriminate]. injection Hf as _ Hrun _. unfold run_form in Hrun.
        destruct (sweep _ _ _ _ _ _ _) as [[c' A'] |]; [| discriminate]. destruct (input_bound _ _ _ _ _ _) as [lb' |] eqn:Hib; [| discriminate].
        injection Hrun as _ _ <-. unfold input_bound in Hib. destruct (_ && is_finite _) eqn:Ht; [| discriminate]. injection Hib as <-.
        apply andb_prop in Ht. destruct Ht as (_ & Ht). now apply finite_is_finite. }
      apply ltb_V in Hz; auto using fin_0. rewrite V_0 in Hz. lra. }
    destruct (code =? 7)%uint63.
    2:{ destruct (code =? 8)%uint63; [injection H as _ <-; left; split; [exact G | exact Hact] |].
        destruct (code =? 9)%uint63; [| discriminate]. destruct (tighten E b l) as [[b' r'] |] eqn:Ht; [| discriminate].
        apply (IH _ _ _ _ _ _ _ H); [| exact Hact]. eapply tighten_sound; eauto. }
    destruct (existsb _ _) eqn:Hex; [| discriminate]. exfalso. apply existsb_exists in Hex. destruct Hex as (e & He & Hlt).
    destruct (Nat.lt_ge_cases (idx e) total) as [Het | Het].
    - destruct (strong_of b total e G Het (le_n _)) as (F1 & F2 & _ & B & _). apply ltb_V in Hlt; auto. lra.
    - exfalso. apply in_app_iff in He. destruct He as [He | He]; [apply input_in in He; pose proof ins_below; lia |].
      apply in_flat_map in He. destruct He as (l0 & Hl0 & He). destruct (is_affine (l_op l0)); [| easy].
      assert (Gen : forall ls n, layered y s (e_total E) n ls -> In l0 ls -> (idx e < total)%nat); [| specialize (Gen _ _ layers Hl0); lia].
      induction ls as [| l1 ls IHl]; intros n Hlay Hin; [easy |]. destruct Hlay as (Hok & (rg & Hsh) & Hf & Hh & Hfit & Hr).
      destruct Hin as [-> | Hin]; [| eapply IHl; eauto].
      rewrite Hsh in He. cbn [l_elements make_layer] in He. apply (in_map idx) in He.
      assert (Hroom : room_for (idx (l_first l0) + count (l_op l0))) by (apply (layer_facts l0 Hok); now exists (e_total E), rg).
      rewrite ints_from_idx in He by exact Hroom. apply in_seq in He. fold total in Hfit. lia.
  Qed.
End Execution.

(* ---- The root *)

Section Root.
  Variables (s : semantics) (net : program) (fp : list fdisjunct) (y : execution).
  Let E := make_env s net fp.
  Hypothesis ok : env_ok E = true.
  Hypothesis runs : executes s net y.

  Lemma env_facts : forallb layer_ok (e_layers E) = true /\ (e_total E <=? PArray.max_length)%uint63 = true /\ (Z.of_nat (e_ins E) <= 2 ^ 22)%Z /\
    forallb (fun e => (e <? e_total E)%uint63) (e_outputs E) = true /\
    forall c, In c fp -> length (fbox c) = e_ins E /\ forallb (constraint_ok E) (fconstraints c) = true /\
      forall b, In b (fbox c) -> fin (fst b) /\ fin (snd b).
  Proof.
    pose proof ok as H. unfold env_ok in H.
    apply andb_prop in H. destruct H as (H & H5). apply andb_prop in H. destruct H as (H & H4). apply andb_prop in H. destruct H as (H & H3).
    apply andb_prop in H. destruct H as (H1 & H2). apply Z.leb_le in H3. repeat (split; [assumption |]).
    intros c Hc. rewrite forallb_forall in H5. specialize (H5 c Hc). apply andb_prop in H5. destruct H5 as (H5 & H6). apply andb_prop in H5. destruct H5 as (H5 & H7).
    apply Nat.eqb_eq in H5. split; [exact H5 |]. split; [exact H7 |]. intros b Hb. rewrite forallb_forall in H6. specialize (H6 b Hb).
    apply andb_prop in H6. destruct H6 as (F1 & F2). split; now apply finite_is_finite.
  Qed.

  Lemma root_layers : layered y s (e_total E) (e_ins E) (e_layers E).
  Proof.
    destruct env_facts as (Hok & _ & Hin & _).
    assert (Hi : idx (int_of (inputs net)) = inputs net) by (apply idx_int_of; change (e_ins E) with (inputs net) in Hin; change wB with (2 ^ 63)%Z; lia).
    change (e_ins E) with (inputs net). rewrite <- Hi. apply make_layers_layered; [exact Hok | now rewrite Hi | reflexivity].
  Qed.

  Lemma root_inputs : e_inputs E = ints_from 0 (e_ins E).
  Proof. reflexivity. Qed.

  Variable f : fdisjunct.
  Hypothesis member : In f fp.
  Hypothesis inside_box : forall j, (j < e_ins E)%nat -> V (fst (nth j (fbox f) (nan, nan))) <= y j <= V (snd (nth j (fbox f) (nan, nan))).

  Lemma hull_sound : forall j, (j < e_ins E)%nat -> fin (fst (hull fp j)) /\ fin (snd (hull fp j)) /\ V (fst (hull fp j)) <= y j <= V (snd (hull fp j)).
  Proof.
    intros j Hj. destruct env_facts as (_ & _ & _ & _ & Hb).
    assert (Hfin : forall c, In c fp -> fin (fst (nth j (fbox c) (nan, nan))) /\ fin (snd (nth j (fbox c) (nan, nan)))).
    { intros c Hc. destruct (Hb c Hc) as (Hl & _ & Hf). apply Hf, nth_In. now rewrite Hl. }
    specialize (inside_box j Hj). unfold hull. revert Hfin member. generalize fp as l. clear - inside_box. intros [| c m] Hfin Hin; [easy |].
    set (g := fun c => nth j (fbox c) (nan, nan)) in *.
    assert (Gen : forall m b, fin (fst b) -> fin (snd b) -> (forall c, In c m -> fin (fst (g c)) /\ fin (snd (g c))) ->
      let r := fold_left (fun b c => (least (fst b) (fst (g c)), most (snd b) (snd (g c)))) m b in
      fin (fst r) /\ fin (snd r) /\ V (fst r) <= V (fst b) /\ V (snd b) <= V (snd r) /\ forall c, In c m -> V (fst r) <= V (fst (g c)) /\ V (snd (g c)) <= V (snd r)).
    { clear. induction m as [| c m IH]; intros b F1 F2 Hm r; unfold r; cbn [fold_left].
      - split; [exact F1 | split; [exact F2 | split; [lra | split; [lra | easy]]]].
      - destruct (Hm c (or_introl eq_refl)) as (G1 & G2). destruct (least_V _ _ F1 G1) as (L1 & L2 & L3). destruct (most_V _ _ F2 G2) as (M1 & M2 & M3).
        destruct (IH (least (fst b) (fst (g c)), most (snd b) (snd (g c))) L1 M1 (fun c0 H => Hm c0 (or_intror H))) as (A & B & C & D & F).
        cbn [fst snd] in *. split; [exact A | split; [exact B | split; [lra | split; [lra |]]]].
        intros c0 [<- | Hc0]; [lra | now apply F]. }
    destruct (Hfin c (or_introl eq_refl)) as (F1 & F2).
    destruct (Gen m (g c) F1 F2 (fun c0 H => Hfin c0 (or_intror H))) as (A & B & C & D & F). cbv zeta in *. change (nth j (fbox c) (nan, nan)) with (g c).
    change (nth j (fbox f) (nan, nan)) with (g f) in inside_box.
    split; [exact A |]. split; [exact B |].
    destruct Hin as [-> | Hin].
    - split; [eapply Rle_trans; [exact C | apply inside_box] | eapply Rle_trans; [apply inside_box | exact D]].
    - destruct (F f Hin) as (F3 & F4). split; [eapply Rle_trans; [exact F3 | apply inside_box] | eapply Rle_trans; [apply inside_box | exact F4]].
  Qed.

  Lemma initial_sound : good (initial E) y (e_ins E) (idx (e_total E)).
  Proof.
    destruct env_facts as (_ & Har & Hin & _). pose proof (layered_below _ _ _ _ _ root_layers) as Hbelow.
    assert (G0 : good (no_bounds E) y 0 (idx (e_total E))).
    { unfold good, no_bounds. cbn [blo bhi bx]. split; [exact (make_size E Har float neg_infinity) |].
      split; [exact (make_size E Har float infinity) |]. split; [exact (make_size E Har float infinity) |]. split.
      - intros e _. unfold weak. cbn [blo bhi]. rewrite !get_nat_at, !nat_at_make. split; intros F; exfalso; revert F; rewrite fin_SF; vm_compute; discriminate.
      - intros e He. lia. }
    unfold initial. rewrite root_inputs.
    assert (Gen : forall k e b n, good b y n (idx (e_total E)) -> idx e = n -> (n + k = e_ins E)%nat ->
      good (fold_left (fun b e => let h := hull (e_disjuncts E) (Z.to_nat (to_Z e)) in set_bounds b e (fst h) (snd h)) (ints_from e k) b) y (e_ins E) (idx (e_total E))).
    { induction k as [| k IH]; intros e b n G He Hn; cbn [ints_from fold_left]; [replace (e_ins E) with n by lia; exact G |].
      assert (Hs : idx (e + 1)%uint63 = S (idx e)) by (apply idx_succ; unfold room_for; lia).
      apply (IH (e + 1)%uint63 _ (S n)); [| lia | lia]. cbv zeta. change (Z.to_nat (to_Z e)) with (idx e). change (e_disjuncts E) with fp.
      destruct (hull_sound (idx e) ltac:(lia)) as (F1 & F2 & Hy).
      apply set_bounds_good with (n := n); auto; lia. }
    apply (Gen (e_ins E) 0%uint63 _ O); [exact G0 | reflexivity | lia].
  Qed.
End Root.

Lemma nth_error_forall2 : forall A B (P : A -> B -> Prop) l m a, Forall2 P l m -> In a l -> exists i b, nth_error m i = Some b /\ In b m /\ P a b.
Proof.
  induction 1 as [| a0 b0 l m Hab H IH]; intros Hin; [easy |]. destruct Hin as [-> | Hin]; [exists O, b0; split; [reflexivity | split; [now left | exact Hab]] |].
  destruct (IH Hin) as (i & b & Hi & Hb & HP). exists (S i), b. split; [exact Hi | split; [now right | exact HP]].
Qed.

(* Where an execution that reaches the unsafe set has to be: in a piece that was left out. *)
Lemma pieces_hold_the_unsafe : forall s net p fp tree pieces x y c, represents_property s p fp -> pieces_of s net fp tree = Some pieces ->
  (forall j, (j < inputs net)%nat -> y j = fed s (x j)) -> executes s net y ->
  In c p -> in_box x (box c) -> Forall (satisfied x (output_values net y)) (constraints c) ->
  exists i f, nth_error fp i = Some f /\ represents_disjunct s c f /\ Exists (in_piece (make_env s net fp) y i) pieces.
Proof.
  intros s net p fp tree pieces x y c Hrep Hcheck Hfeed Hexec Hc Hbox Hsat.
  destruct (nth_error_forall2 _ _ _ _ _ _ Hrep Hc) as (i & f & Hi & Hf & Hcf). exists i, f. split; [exact Hi |]. split; [exact Hcf |].
  unfold pieces_of in Hcheck. destruct (env_ok (make_env s net fp)) eqn:Hok; [| discriminate].
  destruct (env_facts s net fp Hok) as (_ & Har & Hin & Hout & Hd). destruct (Hd f Hf) as (Hlen & Hcons & _).
  pose proof (root_layers s net fp y Hok Hexec) as Hlay.
  assert (Hinside : forall j, (j < e_ins (make_env s net fp))%nat -> V (fst (nth j (fbox f) (nan, nan))) <= y j <= V (snd (nth j (fbox f) (nan, nan)))).
  { intros j Hj. rewrite (Hfeed j Hj). destruct Hcf as [Hl Hb _]. apply Hb; [rewrite Hl, Hlen; exact Hj |]. apply Hbox. rewrite Hl, Hlen. exact Hj. }
  pose proof (initial_sound s net fp y Hok Hexec f Hf Hinside) as Hinit.
  destruct fp as [| c0 m]; [easy |].
  destruct (check _ _ _ _ _ _ _) as [[[| ? ?] ps] |] eqn:Hch; try discriminate. injection Hcheck as ->.
  apply (check_refutes (make_env s net (c0 :: m)) y eq_refl Hin Har Hlay x c f Hfeed Hcf Hbox Hsat Hlen Hcons Hout i Hi _ _ _ _ _ _ _ _ Hch Hinit).
  destruct m as [| c1 m]; [| exact I]. destruct i as [| [| i]]; [reflexivity | discriminate Hi | discriminate Hi].
Qed.

Lemma certificate_env_ok : forall s net fp tree, check_certificate s net fp tree = true -> env_ok (make_env s net fp) = true.
Proof. intros s net fp tree H. unfold check_certificate, pieces_of in H. destruct (env_ok _); [reflexivity | discriminate]. Qed.

(* The theorem. *)
Theorem check_sound : forall s net p fp tree, represents_property s p fp -> check_certificate s net fp tree = true -> claim s net p.
Proof.
  intros s net p fp tree Hrep Hcheck x y Hfeed Hexec (c & Hc & Hbox & Hsat). unfold check_certificate in Hcheck.
  destruct (pieces_of s net fp tree) as [[| ? ?] |] eqn:Hp; try discriminate.
  destruct (pieces_hold_the_unsafe _ _ _ _ _ _ _ _ _ Hrep Hp Hfeed Hexec Hc Hbox Hsat) as (i & f & _ & _ & H). now apply Exists_nil in H.
Qed.

(* The same for a tree in pieces. They come in groups, each of which may be checked apart from the others. *)
Fixpoint groups_checked (s : semantics) (net : program) (fp : list fdisjunct) (tree : bytes) (i : nat) (groups : list (list bytes)) : Prop :=
  match groups with
  | [] => True
  | g :: rest => check_pieces s net fp tree i g = true /\ groups_checked s net fp tree (i + length g) rest
  end.

Definition closed (E : env) (p : piece) : Prop := exists t, check E (S (length t)) false 1 (fst p) (snd p) t = Some ([], []).

Lemma close_pieces_closed : forall E trees pieces k p, close_pieces E pieces trees = true -> (k < length trees)%nat ->
  nth_error pieces k = Some p -> closed E p.
Proof.
  intros E. induction trees as [| t trees IH]; intros pieces k p H Hk Hp; [cbn in Hk; lia |].
  destruct pieces as [| [b active_] pieces]; [discriminate |]. cbn [close_pieces] in H.
  destruct (check _ _ _ _ _ _ _) as [[[| ? ?] [| ? ?]] |] eqn:Hch; try discriminate.
  destruct k as [| k]; [injection Hp as <-; now exists t |]. eapply IH; eauto. cbn in Hk. lia.
Qed.

Lemma groups_closed : forall s net fp tree pieces groups i k p, pieces_of s net fp tree = Some pieces ->
  groups_checked s net fp tree i groups -> (k < length (concat groups))%nat -> nth_error pieces (i + k) = Some p ->
  closed (make_env s net fp) p.
Proof.
  intros s net fp tree pieces groups i k p Hpieces. revert i k. induction groups as [| g groups IH]; intros i k H Hk Hp; [cbn in Hk; lia |].
  cbn [groups_checked concat] in *. rewrite app_length in Hk. destruct H as (Hg & Hr).
  destruct (Nat.lt_ge_cases k (length g)) as [Hlt | Hge].
  - unfold check_pieces in Hg. rewrite Hpieces in Hg. eapply close_pieces_closed; [exact Hg | exact Hlt |].
    rewrite <- Hp. clear. revert pieces. induction i as [| i IH]; intros pieces; [reflexivity |]. destruct pieces; [now destruct k | apply IH].
  - eapply (IH (i + length g)%nat (k - length g)%nat); [exact Hr | lia |]. rewrite <- Hp. f_equal. lia.
Qed.

Theorem check_sound_in_pieces : forall s net p fp tree groups, represents_property s p fp ->
  has_pieces s net fp tree (length (concat groups)) = true -> groups_checked s net fp tree 0 groups -> claim s net p.
Proof.
  intros s net p fp tree groups Hrep Hhas Hall x y Hfeed Hexec (c & Hc & Hbox & Hsat). unfold has_pieces in Hhas.
  destruct (pieces_of s net fp tree) as [pieces |] eqn:Hp; [| discriminate]. apply Nat.eqb_eq in Hhas.
  destruct (pieces_hold_the_unsafe _ _ _ _ _ _ _ _ _ Hrep Hp Hfeed Hexec Hc Hbox Hsat) as (i & f & Hi & Hcf & H).
  apply Exists_exists in H. destruct H as (q & Hin & G & Hact). apply In_nth_error in Hin. destruct Hin as (k & Hk).
  assert (Hlt : (k < length (concat groups))%nat) by (rewrite <- Hhas; apply nth_error_Some; congruence).
  destruct (groups_closed _ _ _ _ _ _ O k q Hp Hall Hlt Hk) as (t & Hch).
  unfold pieces_of in Hp. destruct (env_ok (make_env s net fp)) eqn:Hok; [| discriminate].
  assert (Hf : In f fp) by (eapply nth_error_In; eauto).
  destruct (env_facts s net fp Hok) as (_ & Har & Hins & Hout & Hd). destruct (Hd f Hf) as (Hlen & Hcons & _).
  pose proof (root_layers s net fp y Hok Hexec) as Hlay.
  pose proof (check_refutes (make_env s net fp) y eq_refl Hins Har Hlay x c f Hfeed Hcf Hbox Hsat Hlen Hcons Hout i Hi _ _ _ _ _ _ _ _ Hch G Hact) as Hex.
  now apply Exists_nil in Hex.
Qed.

(* Nothing overflows: an accepted certificate also proves the premise of every row, at
   every execution from the box of any disjunct. With SumTrees, every covered
   evaluation of the row's cluster is then a finite number. *)
Theorem check_premises : forall s net p fp tree, represents_property s p fp -> check_certificate s net fp tree = true ->
  forall (x : nat -> R) (y : execution), (forall j, (j < inputs net)%nat -> y j = fed s (x j)) -> executes s net y ->
  (exists c, In c p /\ in_box x (box c)) -> premises_hold y (operators net).
Proof.
  intros s net p fp tree Hrep Hcheck x y Hfeed Hexec (c & Hc & Hbox).
  destruct (nth_error_forall2 _ _ _ _ _ _ Hrep Hc) as (i & f & Hi & Hf & Hcf).
  unfold check_certificate, pieces_of in Hcheck. destruct (env_ok (make_env s net fp)) eqn:Hok; [| discriminate].
  destruct (env_facts s net fp Hok) as (_ & Har & Hin & _ & Hd). destruct (Hd f Hf) as (Hlen & _ & _).
  pose proof (root_layers s net fp y Hok Hexec) as Hlay. pose proof (layered_below _ _ _ _ _ Hlay) as Hbelow.
  assert (Hinside : forall j, (j < e_ins (make_env s net fp))%nat -> V (fst (nth j (fbox f) (nan, nan))) <= y j <= V (snd (nth j (fbox f) (nan, nan)))).
  { intros j Hj. rewrite (Hfeed j Hj). destruct Hcf as [Hl Hb _]. apply Hb; [rewrite Hl, Hlen; exact Hj |]. apply Hbox. rewrite Hl, Hlen. exact Hj. }
  pose proof (initial_sound s net fp y Hok Hexec f Hf Hinside) as Hinit.
  assert (Hall : Forall (layer_premise y) (e_layers (make_env s net fp))).
  { destruct fp as [| c0 m]; [easy |]. destruct (check _ _ _ _ _ _ _) as [r |] eqn:Hch; [| discriminate]. clear Hcheck.
    cbn [check] in Hch. destruct tree as [| code l]; [discriminate |]. cbn [length andb] in Hch.
    destruct (negb (code =? 1)%uint63) eqn:H1; [discriminate |]. apply Bool.negb_false_iff in H1. rewrite H1 in Hch.
    destruct l as [| mode [| rule l]]; try discriminate. destruct (rule_of rule) as [sl |]; [| discriminate].
    destruct (read_swept (make_env s net (c0 :: m)) mode l) as [[swept r2] |] eqn:Hsw; [| discriminate].
    destruct (propagate (make_env s net (c0 :: m)) true sl swept (initial (make_env s net (c0 :: m)))) as [b' |] eqn:Hp; [| discriminate].
    eapply (propagate_premises (make_env s net (c0 :: m)) y eq_refl Hin Har Hlay); eauto.
    eapply read_swept_length; eauto. }
  revert Hall. change (e_layers (make_env s net fp)) with (make_layers (e_total (make_env s net fp)) (int_of (inputs net)) [(0%uint63, inputs net)] (operators net)).
  generalize (e_total (make_env s net fp)) as tot. generalize (int_of (inputs net)) as first. generalize [(0%uint63, inputs net)] as ranges. clear.
  induction (operators net) as [| o ops IH]; intros ranges first tot H; [exact I |]. cbn [make_layers] in H. inversion H as [| ? ? H0 Hr]; subst.
  specialize (IH _ _ _ Hr). unfold layer_premise in H0. cbn [l_op make_layer] in H0. destruct o; cbn [premises_hold]; auto.
Qed.
