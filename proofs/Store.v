(* Arrays of floats indexed by element numbers, and the linear forms that they hold.
   Relies on the specification of Coq's persistent arrays. *)
From Flocq Require Import Core.
From Coq Require Import ZArith Reals List Lra Lia Psatz Floats Uint63 PArray.
From AxiomProofs Require Import Lists Binary64 Semantics Rounding.
Import ListNotations.
Local Open Scope R_scope.

Definition int_of (i : nat) : int := of_Z (Z.of_nat i).
(* The primitives at one universe. *)
Definition read {A : Set} (a : array A) (e : int) : A := get a e.
Definition write {A : Set} (a : array A) (e : int) (v : A) : array A := set a e v.
Definition nat_at {A : Set} (a : array A) (i : nat) : A := read a (int_of i).
Definition size {A : Set} (a : array A) : nat := idx (length a).

Lemma idx_bound : forall e, (Z.of_nat (idx e) < wB)%Z.
Proof. intros. unfold idx. pose proof (to_Z_bounded e). rewrite Z2Nat.id; lia. Qed.

Lemma int_of_idx : forall e, int_of (idx e) = e.
Proof.
  intros. unfold int_of, idx. pose proof (to_Z_bounded e). rewrite Z2Nat.id by lia. apply of_to_Z.
Qed.

Lemma idx_int_of : forall i, (Z.of_nat i < wB)%Z -> idx (int_of i) = i.
Proof. intros i H. unfold idx, int_of. rewrite of_Z_spec, Z.mod_small by lia. apply Nat2Z.id. Qed.

Lemma idx_injective : forall e f, idx e = idx f -> e = f.
Proof. intros e f H. rewrite <- (int_of_idx e), <- (int_of_idx f). now rewrite H. Qed.

Lemma get_nat_at : forall (A : Set) (a : array A) e, read a e = nat_at a (idx e).
Proof. intros. unfold nat_at. now rewrite int_of_idx. Qed.

Lemma size_write : forall (A : Set) (a : array A) e v, size (write a e v) = size a.
Proof. intros. unfold size, write. now rewrite length_set. Qed.

Lemma size_bound : forall (A : Set) (a : array A), (Z.of_nat (size a) < wB)%Z.
Proof. intros. apply idx_bound. Qed.

Lemma within_length : forall (A : Set) (a : array A) e, (idx e < size a)%nat -> (e <? length a)%uint63 = true.
Proof.
  intros A a e H. apply ltb_spec. unfold size, idx in H.
  pose proof (to_Z_bounded e). pose proof (to_Z_bounded (length a)). lia.
Qed.

Lemma nat_at_write : forall (A : Set) (a : array A) e v i, (idx e < size a)%nat -> (i < size a)%nat ->
  nat_at (write a e v) i = if Nat.eqb i (idx e) then v else nat_at a i.
Proof.
  intros A a e v i He Hi. unfold nat_at, read, write. destruct (Nat.eqb_spec i (idx e)) as [-> | Hn].
  - rewrite int_of_idx. apply get_set_same. now apply within_length.
  - apply get_set_other. intros Heq. apply Hn. rewrite Heq. symmetry. apply idx_int_of. pose proof (size_bound A a). lia.
Qed.

Lemma nat_at_make : forall (A : Set) n (v : A) i, nat_at (make n v) i = v.
Proof. intros. apply get_make. Qed.

(* ---- Forms: sum of a_i y_i over the first n elements *)

Definition form (a : array float) (n : nat) (y : execution) : R := sum (fun i => V (nat_at a i) * y i) (seq 0 n).

Lemma form_succ : forall a n y, form a (S n) y = form a n y + V (nat_at a n) * y n.
Proof. intros. unfold form. rewrite seq_S, sum_app. simpl. ring. Qed.

Lemma form_ext : forall a b n y, (forall i, (i < n)%nat -> nat_at a i = nat_at b i) -> form a n y = form b n y.
Proof.
  intros. unfold form. apply sum_ext. intros i Hi. apply in_seq in Hi. rewrite H by lia. reflexivity.
Qed.

Lemma form_write : forall a e v n y, (idx e < n)%nat -> (n <= size a)%nat ->
  form (write a e v) n y = form a n y + (V v - V (read a e)) * y (idx e).
Proof.
  intros a e v n y. induction n as [| n IH]; intros He Hn; [lia |].
  rewrite !form_succ, nat_at_write by lia. rewrite get_nat_at. destruct (Nat.eqb_spec n (idx e)) as [-> | Hne].
  - rewrite (form_ext (write a e v) a).
    + ring.
    + intros i Hi. rewrite nat_at_write by lia. destruct (Nat.eqb_spec i (idx e)); [lia | reflexivity].
  - rewrite IH by lia. rewrite get_nat_at. ring.
Qed.

Lemma form_extend : forall a n k y, form a (n + k) y = form a n y + sum (fun i => V (nat_at a (n + i)) * y (n + i)%nat) (seq 0 k).
Proof.
  intros a n k y. induction k as [| k IH]; [rewrite Nat.add_0_r; simpl; ring |].
  rewrite Nat.add_succ_r, form_succ, IH, seq_S, sum_app. simpl. ring.
Qed.

Lemma form_split : forall a n k y, form a (n + k) y = form a n y + sum (fun i => V (nat_at a i) * y i) (seq n k).
Proof. intros. unfold form. now rewrite seq_app, sum_app. Qed.

Definition zeros_like (a : array float) : array float := make (length a) 0%float.

Lemma size_zeros_like : forall a, size (zeros_like a) = size a.
Proof. intros. unfold size, zeros_like. now rewrite length_make, leb_length. Qed.

Lemma nat_at_zeros_like : forall a i, nat_at (zeros_like a) i = 0%float.
Proof. intros. apply nat_at_make. Qed.

(* ---- Adding contributions to columns *)

Definition contribution := (int * (float * float))%type.
Definition add_one (a : array float) (c : contribution) : array float :=
  write a (fst c) (read a (fst c) + fst (snd c) * snd (snd c))%float.
Definition product (c : contribution) : float := (fst (snd c) * snd (snd c))%float.
Definition in_column (j : nat) (c : contribution) : bool := Nat.eqb (idx (fst c)) j.

Lemma size_add_all : forall l a, size (fold_left add_one l a) = size a.
Proof. induction l as [| c l IH]; intros a; [reflexivity |]. simpl. rewrite IH. apply size_write. Qed.

Lemma column_sum : forall l a j, (forall c, In c l -> (idx (fst c) < size a)%nat) -> (j < size a)%nat ->
  nat_at (fold_left add_one l a) j = fsum product (filter (in_column j) l) (nat_at a j).
Proof.
  induction l as [| c l IH]; intros a j Hl Hj; [reflexivity |].
  cbn [fold_left filter]. rewrite IH.
  - unfold add_one at 1. rewrite nat_at_write by (auto; apply Hl; now left).
    unfold in_column at 2. rewrite (Nat.eqb_sym j). destruct (Nat.eqb_spec (idx (fst c)) j) as [<- | Hn]; [| reflexivity].
    rewrite get_nat_at. reflexivity.
  - intros. unfold add_one. rewrite size_write. apply Hl. now right.
  - unfold add_one. now rewrite size_write.
Qed.

(* Summing by columns is summing. *)
Lemma sum_by_columns : forall (g : contribution -> R) (y : execution) cols l,
  NoDup (map idx cols) -> (forall c, In c l -> In (idx (fst c)) (map idx cols)) ->
  sum (fun e => sum g (filter (in_column (idx e)) l) * y (idx e)) cols = sum (fun c => g c * y (idx (fst c))) l.
Proof.
  intros g y cols l Hn. induction l as [| c l IH]; intros Hl.
  - simpl. rewrite (sum_ext _ _ (fun _ => 0)) by (intros; ring). apply sum_zero.
  - change (sum (fun c0 => g c0 * y (idx (fst c0))) (c :: l)) with (g c * y (idx (fst c)) + sum (fun c0 => g c0 * y (idx (fst c0))) l).
    rewrite <- IH by (intros; apply Hl; now right).
    rewrite (sum_ext _ _ (fun e => (if Nat.eqb (idx (fst c)) (idx e) then g c * y (idx e) else 0) + sum g (filter (in_column (idx e)) l) * y (idx e))).
    2:{ intros e _. cbn [filter]. unfold in_column at 1. destruct (Nat.eqb (idx (fst c)) (idx e)); simpl; ring. }
    rewrite sum_plus. f_equal. specialize (Hl c (or_introl eq_refl)). clear - Hn Hl.
    induction cols as [| e cols IH]; [easy |]. cbn [map] in *. inversion Hn as [| ? ? Hni Hn']; subst.
    cbn [sum fold_right]. change (fold_right (fun a s => (if Nat.eqb (idx (fst c)) (idx a) then g c * y (idx a) else 0) + s) 0 cols)
      with (sum (fun a => if Nat.eqb (idx (fst c)) (idx a) then g c * y (idx a) else 0) cols).
    destruct (Nat.eqb_spec (idx (fst c)) (idx e)) as [He | He].
    + rewrite (sum_ext _ _ (fun _ => 0)).
      * rewrite sum_zero, He. ring.
      * intros a Ha. destruct (Nat.eqb_spec (idx (fst c)) (idx a)) as [Hea | Hea]; [| reflexivity].
        exfalso. apply Hni. rewrite <- He, Hea. now apply in_map.
    + destruct Hl as [Hl | Hl]; [congruence |]. rewrite IH by assumption. ring.
Qed.
