(* Finite sums of reals over lists. Relies on the reals only. *)
From Coq Require Import Reals List Permutation Lra Lia.
Import ListNotations.
Local Open Scope R_scope.

Definition sum {A} (f : A -> R) (l : list A) : R := fold_right (fun a s => f a + s) 0 l.

Lemma sum_app : forall A (f : A -> R) l m, sum f (l ++ m) = sum f l + sum f m.
Proof. induction l as [|a l IH]; intros; simpl; [ring | rewrite IH; ring]. Qed.

Lemma sum_permutation : forall A (f : A -> R) l m, Permutation l m -> sum f l = sum f m.
Proof. induction 1; simpl; lra. Qed.

Lemma sum_plus : forall A (f g : A -> R) l, sum (fun a => f a + g a) l = sum f l + sum g l.
Proof. induction l as [|a l IH]; simpl; [ring | rewrite IH; ring]. Qed.

Lemma sum_scale : forall A (f : A -> R) c l, sum (fun a => c * f a) l = c * sum f l.
Proof. induction l as [|a l IH]; simpl; [ring | rewrite IH; ring]. Qed.

Lemma sum_le : forall A (f g : A -> R) l, (forall a, In a l -> f a <= g a) -> sum f l <= sum g l.
Proof.
  induction l as [|a l IH]; simpl; intros H; [lra |].
  apply Rplus_le_compat; [apply H; now left | apply IH; intros; apply H; now right].
Qed.

Lemma sum_ext : forall A (f g : A -> R) l, (forall a, In a l -> f a = g a) -> sum f l = sum g l.
Proof.
  induction l as [|a l IH]; simpl; intros H; [reflexivity |].
  rewrite H by now left. rewrite IH; [reflexivity | intros; apply H; now right].
Qed.

Lemma sum_nonnegative : forall A (f : A -> R) l, (forall a, In a l -> 0 <= f a) -> 0 <= sum f l.
Proof.
  induction l as [|a l IH]; simpl; intros H; [lra |].
  apply Rplus_le_le_0_compat; [apply H; now left | apply IH; intros; apply H; now right].
Qed.

Lemma sum_abs : forall A (f : A -> R) l, Rabs (sum f l) <= sum (fun a => Rabs (f a)) l.
Proof.
  induction l as [|a l IH]; simpl; [rewrite Rabs_R0; lra |].
  eapply Rle_trans; [apply Rabs_triang | lra].
Qed.

Lemma sum_map : forall A B (g : A -> B) (f : B -> R) l, sum f (map g l) = sum (fun a => f (g a)) l.
Proof. induction l as [|a l IH]; simpl; [reflexivity | now rewrite IH]. Qed.

Lemma sum_zero : forall A (l : list A), sum (fun _ => 0) l = 0.
Proof. induction l as [|a l IH]; simpl; [reflexivity | rewrite IH; ring]. Qed.

Lemma sum_flat_map : forall A B (g : A -> list B) (f : B -> R) l, sum f (flat_map g l) = sum (fun a => sum f (g a)) l.
Proof. induction l as [|a l IH]; simpl; [reflexivity | now rewrite sum_app, IH]. Qed.

Lemma sum_in_le : forall A (f : A -> R) l a, (forall b, In b l -> 0 <= f b) -> In a l -> f a <= sum f l.
Proof.
  induction l as [|b l IH]; simpl; intros a H Ha; [easy |].
  assert (0 <= sum f l) by (apply sum_nonnegative; auto). pose proof (H b (or_introl eq_refl)).
  destruct Ha as [-> | Ha]; [lra |]. specialize (IH a (fun b Hb => H b (or_intror Hb)) Ha). lra.
Qed.

Lemma sum_constant : forall A (c : R) (l : list A), sum (fun _ => c) l = INR (length l) * c.
Proof.
  induction l as [|a l IH]; [simpl; ring |]. change (sum (fun _ => c) (a :: l)) with (c + sum (fun _ => c) l).
  rewrite IH. cbn [length]. rewrite S_INR. ring.
Qed.

Lemma filter_length_le : forall A (f : A -> bool) l, (length (filter f l) <= length l)%nat.
Proof. induction l as [|a l IH]; simpl; [lia | destruct (f a); simpl; lia]. Qed.
