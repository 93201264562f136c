(* The sweep of one row through operators that each read all of the one below and
   nothing else: the coefficients then are a list that is handed down, and no array is
   needed. chain_row_is: the bound is that of the sweep in Backward.

   Relies on QuickSweep and Backward. *)
From Coq Require Import ZArith List Lia Bool PeanoNat Floats Uint63.
From AxiomProofs Require Import Binary64 Semantics Rounding Store Sweep QuickSweep Groups Backward.
Import ListNotations.
Local Open Scope bool_scope.

(* ---- The definitions *)

Definition elements_of (ops : list sop) (inputs : list int) : list int :=
  match ops with [] => inputs | o :: _ => map fst (o_rows o) end.

Fixpoint chained (ops : list sop) (inputs : list int) : bool :=
  match ops with
  | [] => true
  | o :: rest =>
      match o_shape o, o_groups o with
      | Dense _, [] | Diagonal, [] => same_ints (o_read o) (elements_of rest inputs) && chained rest inputs
      | _, _ => false
      end
  end.

(* a: the coefficients of the rows, in order *)
Fixpoint chain_scan (a : list float) (rows : list (int * srow)) (some ok : bool) (t1 t2 t3 : float) : sums :=
  match rows, a with
  | (_, r) :: rows, a :: rest =>
      if (a =? 0)%float then chain_scan rest rows some ok t1 t2 t3
      else let b := if (0 <? a)%float then b_lo r else b_hi r in
        let m := abs a in
        chain_scan rest rows true (if (m <=? 0x1p500)%float then ok else false) (t1 + a * b)%float (t2 + m * q r)%float (t3 + m * abs b)%float
  | _, _ => Sums some ok t1 t2 t3
  end.

(* Four rows at a time: zip d s (zip c u (zip b v (zip a w t))). *)
Fixpoint zip_four (a b c d : float) (w v u s t : pack) : pack :=
  match t, w, v, u, s with
  | Eight t1 t2 t3 t4 t5 t6 t7 t8 t, Eight w1 w2 w3 w4 w5 w6 w7 w8 w, Eight v1 v2 v3 v4 v5 v6 v7 v8 v,
    Eight u1 u2 u3 u4 u5 u6 u7 u8 u, Eight s1 s2 s3 s4 s5 s6 s7 s8 s =>
      Eight (t1 + a * w1 + b * v1 + c * u1 + d * s1) (t2 + a * w2 + b * v2 + c * u2 + d * s2)
        (t3 + a * w3 + b * v3 + c * u3 + d * s3) (t4 + a * w4 + b * v4 + c * u4 + d * s4)
        (t5 + a * w5 + b * v5 + c * u5 + d * s5) (t6 + a * w6 + b * v6 + c * u6 + d * s6)
        (t7 + a * w7 + b * v7 + c * u7 + d * s7) (t8 + a * w8 + b * v8 + c * u8 + d * s8) (zip_four a b c d w v u s t)
  | One t1 t, One w1 w, One v1 v, One u1 u, One s1 s => One (t1 + a * w1 + b * v1 + c * u1 + d * s1) (zip_four a b c d w v u s t)
  | _, _, _, _, _ => Nil
  end%float.

(* The rows with a coefficient that are still to be added, the last one first. *)
Inductive held := Held0 | Held1 (a : float) (w : pack) | Held2 (b : float) (v : pack) (a : float) (w : pack)
  | Held3 (c : float) (u : pack) (b : float) (v : pack) (a : float) (w : pack).

Definition add_held (h : held) (t : pack) : pack :=
  match h with
  | Held0 => t
  | Held1 a w => zip a w t
  | Held2 b v a w => zip b v (zip a w t)
  | Held3 c u b v a w => zip c u (zip b v (zip a w t))
  end.

Fixpoint chain_dense (a : list float) (weights : list pack) (h : held) (t : pack) : pack :=
  match a, weights with
  | d :: rest, s :: weights =>
      if (d =? 0)%float then chain_dense rest weights h t
      else match h with
           | Held0 => chain_dense rest weights (Held1 d s) t
           | Held1 a w => chain_dense rest weights (Held2 d s a w) t
           | Held2 b v a w => chain_dense rest weights (Held3 d s b v a w) t
           | Held3 c u b v a w => chain_dense rest weights Held0 (zip_four a b c d w v u s t)
           end
  | _, _ => add_held h t
  end.

Fixpoint chain_diagonal (a : list float) (rows : list (int * srow)) : list float :=
  match rows, a with
  | (_, r) :: rows, a :: rest =>
      (if (a =? 0)%float then 0%float
       else match (if (0 <? a)%float then t_lo r else t_hi r) with [] => 0%float | (_, s) :: _ => (0 + a * s)%float end)
      :: chain_diagonal rest rows
  | _, _ => []
  end.

(* The coefficients of the columns, which were all 0 before. *)
Definition settle (t : float) : float := if (t =? 0)%float then 0%float else (0 + t)%float.

Fixpoint settle_all (p : pack) : list float :=
  match p with
  | Nil => []
  | One a r => settle a :: settle_all r
  | Eight a b c d e f g h r =>
      settle a :: settle b :: settle c :: settle d :: settle e :: settle f :: settle g :: settle h :: settle_all r
  end.

Definition chain_columns (a : list float) (o : sop) : list float :=
  match o_shape o with
  | Scattered => []
  | Dense weights => settle_all (chain_dense a weights Held0 (pack_of (map (fun _ => 0%float) (o_read o))))
  | Diagonal => map settle (chain_diagonal a (o_rows o))
  end.

Definition chain_step (o : sop) (c : float) (a : list float) : option (float * list float) :=
  let s := chain_scan a (o_rows o) false true 0 0 0 in
  if any s then
    if all_small s && small_constant c
    then Some (step_constant (o_m o) (o_under o) c (sum1 s) (sum2 s) (sum3 s), chain_columns a o)
    else None
  else Some (c, map (fun _ => 0%float) (o_read o)).

Fixpoint chain_sweep (ops : list sop) (c : float) (a : list float) : option (float * list float) :=
  match ops with
  | [] => Some (c, a)
  | o :: rest => match chain_step o c a with Some (c', a') => chain_sweep rest c' a' | None => None end
  end.

Section Bounds.
  Variables (lo hi x : int -> float).

  Definition chain_input_bound (inputs : list int) (c : float) (a : list float) : option float :=
    let l := combine inputs a in
    let t1 := fsum (fun p => snd p * end_of lo hi (snd p) (fst p))%float l 0 in
    let t3 := fsum (fun p => abs (snd p) * x (fst p))%float l 0 in
    let lb := ((c + t1) - (((2 * float_of_nat (length inputs) + 16) * U) * (abs c + t3) + tau))%float in
    if forallb small a && small_constant c && is_finite lb then Some lb else None.

  (* A lower bound of a * y_e for a row e of the first operator, nan if there is none. *)
  Definition chain_row (inputs : list int) (ops : list sop) (e : int) (a : float) : float :=
    let unit := map (fun f => if (f =? e)%uint63 then a else 0%float) (elements_of ops inputs) in
    match chain_sweep ops 0 unit with
    | Some (c, l) => match chain_input_bound inputs c l with Some lb => lb | None => nan end
    | None => nan
    end.

  (* ---- They compute the same *)

  Lemma chain_scan_is : forall A rows some ok t1 t2 t3,
    chain_scan (map (read A) (map fst rows)) rows some ok t1 t2 t3 = scan A rows some ok t1 t2 t3.
  Proof.
    intros A. induction rows as [| [e r] rows IH]; intros some ok t1 t2 t3; [reflexivity |]. cbn [map fst chain_scan scan].
    destruct (read A e =? 0)%float; [apply IH |]. rewrite IH. unfold b_of, small.
    destruct (abs (read A e) <=? 0x1p500)%float; now rewrite ?andb_true_r, ?andb_false_r.
  Qed.

  Lemma zip_four_is : forall a b c d t w v u s, zip_four a b c d w v u s t = zip d s (zip c u (zip b v (zip a w t))).
  Proof.
    intros a b c d. induction t; intros [] [] [] []; try reflexivity; cbn; now rewrite IHt.
  Qed.

  Lemma chain_dense_is : forall A rows weights h t,
    chain_dense (map (read A) (map fst rows)) weights h t = dense_columns A rows weights (add_held h t).
  Proof.
    intros A. induction rows as [| er rows IH]; intros [| w weights] h t; try reflexivity. cbn [map chain_dense dense_columns].
    destruct (read A (fst er) =? 0)%float; [apply IH |]. destruct h; rewrite IH; [reflexivity | reflexivity | reflexivity |].
    cbn [add_held]. now rewrite zip_four_is.
  Qed.

  Lemma chain_diagonal_is : forall A rows, chain_diagonal (map (read A) (map fst rows)) rows = map (diagonal_column A) rows.
  Proof.
    intros A. induction rows as [| [e r] rows IH]; [reflexivity |]. cbn [map fst chain_diagonal]. rewrite IH. unfold diagonal_column, t_of. cbn [fst snd].
    destruct (read A e =? 0)%float; [reflexivity |]. destruct (0 <? read A e)%float; [destruct (t_lo r) as [| []] | destruct (t_hi r) as [| []]]; reflexivity.
  Qed.

  Lemma settle_all_is : forall p, settle_all p = map settle (unpack p).
  Proof. induction p; cbn; now rewrite ?IHp. Qed.

  Lemma chain_columns_is : forall A o, o_shape o <> Scattered ->
    chain_columns (map (read A) (map fst (o_rows o))) o = map settle (columns A o).
  Proof.
    intros A o H. unfold chain_columns, columns. destruct (o_shape o); [contradiction | |].
    - now rewrite settle_all_is, chain_dense_is.
    - now rewrite chain_diagonal_is.
  Qed.

  Lemma chain_merge : forall cols temp A, NoDup (map idx cols) -> (forall e, In e cols -> (idx e < size A)%nat) ->
    length temp = length cols -> (forall e, In e cols -> read A e = 0%float) ->
    exists A', merge x cols temp A false 0 = (false, 0%float, A') /\ map (read A') cols = map settle temp /\ size A' = size A /\
      forall f, (idx f < size A)%nat -> ~ In (idx f) (map idx cols) -> read A' f = read A f.
  Proof.
    induction cols as [| e cols IH]; intros [| t temp] A Hn Hr Hl H0; try discriminate; [exists A; auto |].
    cbn [map] in Hn. inversion Hn as [| ? ? He Hn']; subst. cbn [merge map]. rewrite (H0 e) by now left.
    change (0 =? 0)%float with true. assert (Hes : (idx e < size A)%nat) by (apply Hr; now left). unfold settle at 1.
    destruct (t =? 0)%float eqn:Ht.
    - destruct (IH temp A Hn') as (A' & E & M & S & O); [intros; apply Hr; now right | now injection Hl | intros; apply H0; now right |].
      exists A'. rewrite M, O, H0 by (auto; now left). repeat split; auto. intros f Hf Hnf. apply O; [exact Hf | cbn in Hnf; tauto].
    - destruct (IH temp (write A e (0 + t)%float) Hn') as (A' & E & M & S & O).
      + intros f Hf. rewrite size_write. apply Hr. now right.
      + now injection Hl.
      + intros f Hf. rewrite read_write by (auto; apply Hr; now right). destruct (Nat.eqb_spec (idx f) (idx e)) as [Heq |]; [| apply H0; now right].
        exfalso. apply He. rewrite <- Heq. now apply in_map.
      + rewrite size_write in S, O. exists A'. rewrite M, O by assumption. rewrite read_write, Nat.eqb_refl by assumption. repeat split; auto.
        intros f Hf Hnf. cbn in Hnf. rewrite O by tauto. rewrite read_write by assumption.
        destruct (Nat.eqb_spec (idx f) (idx e)); [exfalso; intuition congruence | reflexivity].
  Qed.

  Lemma columns_length : forall y n A o, sound_op y x n o -> (n <= size A)%nat -> length (columns A o) = length (o_read o).
  Proof.
    intros y n A o So Hn. rewrite columns_are; [apply map_length | exact (so_shape _ _ _ _ So) | exact (so_cols _ _ _ _ So) |].
    intros e He. pose proof (so_below _ _ _ _ So e He). lia.
  Qed.

  Variable y : execution.

  Lemma chain_step_is : forall n o c A, sound_op y x n o -> (n <= size A)%nat -> o_shape o <> Scattered ->
    (forall e, (idx e < n)%nat -> read A e = 0%float) ->
    match quick_sweep_op x o c A with
    | Some (c', A') => chain_step o c (map (read A) (map fst (o_rows o))) = Some (c', map (read A') (o_read o)) /\ size A' = size A /\
        forall f, (idx f < n)%nat -> ~ In (idx f) (map idx (o_read o)) -> read A' f = 0%float
    | None => chain_step o c (map (read A) (map fst (o_rows o))) = None
    end.
  Proof.
    intros n o c A So Hn Hs H0. unfold quick_sweep_op, chain_step. rewrite chain_scan_is.
    pose proof (so_below _ _ _ _ So) as Hbelow.
    destruct (any _).
    - destruct (all_small _ && small_constant c); [| reflexivity].
      destruct (chain_merge (o_read o) (columns A o) A (so_cols _ _ _ _ So)) as (A' & E & M & S & O).
      + intros e He. specialize (Hbelow e He). lia.
      + eapply columns_length; eauto.
      + auto.
      + rewrite E, chain_columns_is, M by assumption. repeat split; auto. intros f Hf Hnf. rewrite O by (auto; lia). auto.
    - split; [| auto]. f_equal. f_equal. apply map_ext_in. intros e He. symmetry. auto.
  Qed.

  Lemma chained_groups : forall o rest inputs, chained (o :: rest) inputs = true -> o_groups o = [].
  Proof. intros o rest inputs H. cbn [chained] in H. destruct (o_shape o), (o_groups o); try discriminate; reflexivity. Qed.

  Lemma chain_sweep_is : forall inputs ops n c A, sound_chain x y (length inputs) ops n -> (n <= size A)%nat ->
    map idx inputs = seq 0 (length inputs) -> chained ops inputs = true ->
    (forall e, (idx e < n)%nat -> ~ In e (elements_of ops inputs) -> read A e = 0%float) ->
    match sweep lo hi x ops [] c A with
    | Some (c', A') => chain_sweep ops c (map (read A) (elements_of ops inputs)) = Some (c', map (read A') inputs)
    | None => chain_sweep ops c (map (read A) (elements_of ops inputs)) = None
    end.
  Proof.
    intros inputs. induction ops as [| o ops IH]; intros n c A Hc Hn Hin Hl H0; [reflexivity |].
    destruct Hc as (k & -> & So & _ & _ & Hrest). cbn [chained] in Hl.
    assert (Hs : o_shape o <> Scattered) by (destruct (o_shape o); [discriminate | |]; discriminate).
    assert (Hg : o_groups o = []) by exact (chained_groups o ops inputs Hl).
    assert (Hl' : same_ints (o_read o) (elements_of ops inputs) && chained ops inputs = true)
      by (rewrite Hg in Hl; destruct (o_shape o); [discriminate | |]; exact Hl).
    unfold sound_step in So. unfold o_count in *. rewrite Hg in So, Hn, H0. apply andb_prop in Hl'. destruct Hl' as (Hread & Hch). apply same_ints_eq in Hread.
    assert (Hk0 : forall e, (idx e < k)%nat -> read A e = 0%float).
    { intros e He. apply H0; [lia |]. cbn [elements_of]. intros Hin'. apply (in_map idx) in Hin'. rewrite map_map in Hin'.
      rewrite (so_elements _ _ _ _ So) in Hin'. apply in_seq in Hin'. lia. }
    pose proof (chain_step_is k o c A So ltac:(lia) Hs Hk0) as Hstep.
    cbn [sweep partition fold_left chain_sweep elements_of]. unfold step_op. rewrite Hg.
    destruct (quick_sweep_op x o c A) as [[c1 A1] |]; [| now rewrite Hstep].
    destruct Hstep as (-> & S & O). rewrite Hread. apply (IH k); auto; [lia |].
    intros e He Hne. apply O; [exact He |]. rewrite Hread. intros Hin'. apply in_map_iff in Hin'. destruct Hin' as (f & Hf & Hin').
    apply idx_injective in Hf. now subst.
  Qed.

  Lemma first_elements : forall ins o rest inputs n e, sound_chain x y ins (o :: rest) n -> o_groups o = [] ->
    In e (elements_of (o :: rest) inputs) <-> (idx (o_first o) <= idx e < n)%nat.
  Proof.
    intros ins o rest inputs n e (k & -> & So & _ & -> & _) Hg. unfold sound_step, o_count in *. rewrite Hg in *. cbn [elements_of].
    pose proof (so_elements _ _ _ _ So) as Hm. rewrite <- (map_map fst idx) in Hm. split; intros H.
    - apply (in_map idx) in H. rewrite Hm in H. apply in_seq in H. lia.
    - assert (Hin : In (idx e) (seq k (length (o_rows o)))) by (apply in_seq; lia). rewrite <- Hm in Hin.
      apply in_map_iff in Hin. destruct Hin as (f & Hf & Hin). apply idx_injective in Hf. now subst.
  Qed.

  Lemma chain_input_bound_is : forall inputs c A, chain_input_bound inputs c (map (read A) inputs) = input_bound lo hi x inputs c A.
  Proof.
    intros. unfold chain_input_bound, input_bound.
    assert (F : forall (f : float -> int -> float) l s, fsum (fun p => f (snd p) (fst p)) (combine l (map (read A) l)) s = fsum (fun j => f (read A j) j) l s).
    { intros f. unfold fsum. induction l as [| j l IH]; intros s; [reflexivity |]. cbn [map combine fold_left fst snd]. apply IH. }
    rewrite (F (fun a j => a * end_of lo hi a j)%float), (F (fun a j => abs a * x j)%float).
    replace (forallb small (map (read A) inputs)) with (forallb (fun j => small (read A j)) inputs); [reflexivity |].
    induction inputs as [| j l IH]; [reflexivity |]. cbn [map forallb]. now rewrite IH.
  Qed.

  Theorem chain_row_is : forall inputs o rest n e a A0, sound_chain x y (length inputs) (o :: rest) n ->
    map idx inputs = seq 0 (length inputs) -> chained (o :: rest) inputs = true -> (idx (o_first o) <= idx e < n)%nat ->
    (n <= size A0)%nat -> (forall f, (idx f < n)%nat -> read A0 f = 0%float) ->
    chain_row inputs (o :: rest) e a =
    match sweep lo hi x (o :: rest) [] 0 (write A0 e a) with
    | Some (c, A) => match input_bound lo hi x inputs c A with Some lb => lb | None => nan end
    | None => nan
    end.
  Proof.
    intros inputs o rest n e a A0 Hc Hin Hl He Hn H0. unfold chain_row.
    pose proof (chained_groups _ _ _ Hl) as Hg. pose proof (first_elements _ _ _ inputs n e Hc Hg) as Hfirst.
    assert (Hbelow : forall f, In f (elements_of (o :: rest) inputs) -> (idx f < n)%nat) by (intros f Hf; now apply (first_elements _ _ _ _ _ _ Hc Hg) in Hf).
    apply Hfirst in He. clear Hfirst. set (ops := o :: rest) in *.
    assert (Hr : forall f, (idx f < n)%nat -> read (write A0 e a) f = if (f =? e)%uint63 then a else 0%float).
    { intros f Hf. pose proof (Hbelow e He). rewrite read_write by lia. rewrite (H0 f Hf).
      destruct (Nat.eqb_spec (idx f) (idx e)) as [Heq | Hne].
      - apply idx_injective in Heq. subst. now rewrite eqb_refl.
      - destruct (f =? e)%uint63 eqn:E; [| reflexivity]. apply eqb_spec in E. congruence. }
    assert (Hu : map (fun f => if (f =? e)%uint63 then a else 0%float) (elements_of ops inputs) = map (read (write A0 e a)) (elements_of ops inputs)).
    { apply map_ext_in. intros f Hf. symmetry. apply Hr. auto. }
    pose proof (chain_sweep_is inputs ops n 0%float (write A0 e a) Hc) as G. rewrite size_write in G. specialize (G Hn Hin Hl).
    cbv zeta. rewrite Hu. destruct (sweep lo hi x ops [] 0 (write A0 e a)) as [[c A] |]; rewrite G.
    - now rewrite chain_input_bound_is.
    - intros f Hf Hne. rewrite Hr by exact Hf. destruct (f =? e)%uint63 eqn:E; [| reflexivity]. apply eqb_spec in E. now subst.
    - reflexivity.
    - intros f Hf Hne. rewrite Hr by exact Hf. destruct (f =? e)%uint63 eqn:E; [| reflexivity]. apply eqb_spec in E. now subst.
  Qed.
End Bounds.
