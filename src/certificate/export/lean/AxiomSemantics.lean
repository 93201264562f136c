/-
What a claim is about: core programs, their executions under the semantics `real` and `float32`, and the safe points of a
property (spec/operators.md section 5, spec/certificate.md section 3). The same definitions as proofs/Semantics.v of the
Coq development, one by one, with Mathlib's real numbers.
-/
import Mathlib

namespace Axiom

noncomputable section

inductive Semantics where
  | real
  | float32

/-- The number `mantissa * 2 ^ exponent`: a finite binary64 number, exactly. -/
structure Dyad where
  mantissa : ℤ
  exponent : ℤ

def Dyad.value (d : Dyad) : ℝ := (d.mantissa : ℝ) * (2 : ℝ) ^ d.exponent

/-- One row of an affine operator: `bias` is the rounded sum of the constants; a term is an element read and its weight. -/
structure Row where
  constants : List Dyad
  bias : Dyad
  magnitude : Dyad
  gammaCount : Dyad
  underflowCount : Dyad
  terms : List (ℕ × Dyad)

/-- A window is its first source and the others; the elements of `softmax` are numbered group after group. -/
inductive Operator where
  | affine (factor realError : Dyad) (rows : List Row)
  | relu (sources : List ℕ)
  | leakyRelu (alpha : Dyad) (sources : List ℕ)
  | sigmoid (sources : List ℕ)
  | tanh (sources : List ℕ)
  | maxPool (windows : List (ℕ × List ℕ))
  | constant (values : List Dyad)
  | softmax (groups : List (List ℕ))

/-- Elements are numbered in this order: inputs, then those of each operator. -/
structure Program where
  inputs : ℕ
  operators : List Operator
  outputs : List ℕ

def Operator.count : Operator → ℕ
  | .affine _ _ rows => rows.length
  | .relu sources => sources.length
  | .leakyRelu _ sources => sources.length
  | .sigmoid sources => sources.length
  | .tanh sources => sources.length
  | .maxPool windows => windows.length
  | .constant values => values.length
  | .softmax groups => (groups.map List.length).sum

/-- Terms that read consecutive elements, from `e` on. -/
def dense (e : ℕ) : List Dyad → List (ℕ × Dyad)
  | [] => []
  | w :: rest => (e, w) :: dense (e + 1) rest

/-! ### Rounding -/

def u32 : ℝ := (2 : ℝ) ^ (-24 : ℤ)

def eta : ℝ := (2 : ℝ) ^ (-126 : ℤ)

def gamma (k : ℝ) : ℝ := k * u32 / (1 - k * u32)

/-- The nearest integer, the even one of two. -/
def roundEven (x : ℝ) : ℤ :=
  if x - (⌊x⌋ : ℝ) < 1 / 2 then ⌊x⌋
  else if 1 / 2 < x - (⌊x⌋ : ℝ) then ⌊x⌋ + 1
  else if ⌊x⌋ % 2 = 0 then ⌊x⌋
  else ⌊x⌋ + 1

/-- Exponent of the last bit of a binary32 number of the size of `x`; `Int.log 2 |x|` is the greatest `k` with
`2 ^ k ≤ |x|`. -/
def exponent32 (x : ℝ) : ℤ := max (Int.log 2 (abs x) + 1 - 24) (-149)

/-- The binary32 number nearest to `x`, ties to even, without a greatest number. -/
def nearest32 (x : ℝ) : ℝ :=
  (roundEven (x * (2 : ℝ) ^ (-exponent32 x)) : ℝ) * (2 : ℝ) ^ exponent32 x

/-! ### Executions -/

/-- A value for every element. -/
abbrev Execution := ℕ → ℝ

def weightedSum (y : Execution) (terms : List (ℕ × Dyad)) : ℝ :=
  (terms.map fun t => t.2.value * y t.1).sum

def absoluteSum (y : Execution) (terms : List (ℕ × Dyad)) : ℝ :=
  (terms.map fun t => abs t.2.value * abs (y t.1)).sum

def operandsSum (y : Execution) (terms : List (ℕ × Dyad)) : ℝ :=
  (terms.map fun t => abs t.2.value + abs (y t.1)).sum

def rowSize (y : Execution) (r : Row) : ℝ := r.magnitude.value + absoluteSum y r.terms

def rowError (y : Execution) (factor rho : ℝ) (r : Row) : ℝ :=
  (gamma r.gammaCount.value + rho) * rowSize y r
    + 2 * eta * factor * (r.underflowCount.value + operandsSum y r.terms)

def rowHolds (s : Semantics) (y : Execution) (factor rho : ℝ) (r : Row) (v : ℝ) : Prop :=
  match s with
  | .real => abs (v - ((r.constants.map Dyad.value).sum + weightedSum y r.terms)) ≤ rho * rowSize y r
  | .float32 => abs (v - (r.bias.value + weightedSum y r.terms)) ≤ rowError y factor rho r

def logistic (x : ℝ) : ℝ := 1 / (1 + Real.exp (-x))

def leakyReluOf (alpha x : ℝ) : ℝ := if x < 0 then alpha * x else x

def reluHolds (s : Semantics) (x v : ℝ) : Prop :=
  match s with
  | .real => v = max 0 x
  | .float32 => v = max 0 x ∨ (v = 0 ∧ max 0 x < eta)

def leakyReluHolds (s : Semantics) (alpha x v : ℝ) : Prop :=
  match s with
  | .real => v = leakyReluOf alpha x
  | .float32 => abs (v - leakyReluOf alpha x) ≤ u32 * alpha * abs x + 2 * eta

def curveHolds (s : Semantics) (f : ℝ → ℝ) (x v : ℝ) : Prop :=
  match s with
  | .real => v = f x
  | .float32 => abs (v - f x) ≤ (2 : ℝ) ^ (-20 : ℤ)

def greatest (y : Execution) (window : ℕ × List ℕ) : ℝ :=
  window.2.foldr (fun e m => max (y e) m) (y window.1)

def maxPoolHolds (s : Semantics) (y : Execution) (window : ℕ × List ℕ) (v : ℝ) : Prop :=
  match s with
  | .real => v = greatest y window
  | .float32 => abs (v - greatest y window) ≤ eta

/-- A group of sources and the values `vs` of their entries. What exp computes in float32 is left open. -/
def softmaxHolds (s : Semantics) (y : Execution) (group : List ℕ) (vs : List ℝ) : Prop :=
  match s with
  | .real => vs = group.map fun e => Real.exp (y e) / (group.map fun f => Real.exp (y f)).sum
  | .float32 => (∀ v ∈ vs, 0 ≤ v) ∧ abs (vs.sum - 1) ≤ gamma ((group.length : ℝ) + 8)

/-- `P` holds for each entry of a list and the element that belongs to it. -/
def each {α : Type} (y : Execution) (P : α → ℝ → Prop) : List α → ℕ → Prop
  | [], _ => True
  | a :: rest, first => P a (y first) ∧ each y P rest (first + 1)

/-- `P` holds for each group and the values of the elements that belong to it. -/
def eachGroup (y : Execution) (P : List ℕ → List ℝ → Prop) : List (List ℕ) → ℕ → Prop
  | [], _ => True
  | g :: rest, first =>
    P g ((List.range g.length).map fun i => y (first + i)) ∧ eachGroup y P rest (first + g.length)

def operatorHolds (s : Semantics) (y : Execution) (o : Operator) (first : ℕ) : Prop :=
  match o with
  | .affine factor rho rows => each y (rowHolds s y factor.value rho.value) rows first
  | .relu sources => each y (fun e v => reluHolds s (y e) v) sources first
  | .leakyRelu alpha sources => each y (fun e v => leakyReluHolds s alpha.value (y e) v) sources first
  | .sigmoid sources => each y (fun e v => curveHolds s logistic (y e) v) sources first
  | .tanh sources => each y (fun e v => curveHolds s Real.tanh (y e) v) sources first
  | .maxPool windows => each y (maxPoolHolds s y) windows first
  | .constant values => each y (fun c v => v = Dyad.value c) values first
  | .softmax groups => eachGroup y (softmaxHolds s y) groups first

def operatorsHold (s : Semantics) (y : Execution) : List Operator → ℕ → Prop
  | [], _ => True
  | o :: rest, first => operatorHolds s y o first ∧ operatorsHold s y rest (first + o.count)

/-- `y` assigns a value to every element that its operator may give. -/
def executes (s : Semantics) (net : Program) (y : Execution) : Prop :=
  operatorsHold s y net.operators net.inputs

/-! ### Properties -/

inductive Variable where
  | x (j : ℕ)
  | y (k : ℕ)

/-- `sum t v ≤ right`, with the exact decimals of the text. -/
structure Constraint where
  left : List (Variable × ℚ)
  right : ℚ

structure Disjunct where
  box : List (ℚ × ℚ)
  constraints : List Constraint

abbrev Property := List Disjunct

/-- The number that a real point is fed as. -/
def fed (s : Semantics) (x : ℝ) : ℝ :=
  match s with
  | .real => x
  | .float32 => nearest32 x

def variableValue (x : ℕ → ℝ) (outs : List ℝ) : Variable → ℝ
  | .x j => x j
  | .y k => outs.getD k 0

def satisfied (x : ℕ → ℝ) (outs : List ℝ) (c : Constraint) : Prop :=
  (c.left.map fun t => (t.2 : ℝ) * variableValue x outs t.1).sum ≤ (c.right : ℝ)

def inBox (x : ℕ → ℝ) (b : List (ℚ × ℚ)) : Prop :=
  ∀ j, j < b.length → ((b.getD j (0, 0)).1 : ℝ) ≤ x j ∧ x j ≤ ((b.getD j (0, 0)).2 : ℝ)

def isUnsafe (x : ℕ → ℝ) (outs : List ℝ) (p : Property) : Prop :=
  ∃ c ∈ p, inBox x c.box ∧ ∀ k ∈ c.constraints, satisfied x outs k

def outputValues (net : Program) (y : Execution) : List ℝ := net.outputs.map y

/-- The claim of a certificate: whatever real point is given, and whatever the network computes from it, the property
holds. -/
def claim (s : Semantics) (net : Program) (p : Property) : Prop :=
  ∀ (x : ℕ → ℝ) (y : Execution),
    (∀ j, j < net.inputs → y j = fed s (x j)) → executes s net y → ¬ isUnsafe x (outputValues net y) p

/-! ### What is open -/

/-- A function that decides about a semantics, a network, a property and the bytes of a proof tree. The one meant is that
of spec/certificate.md; it is not written in Lean. -/
abbrev Checker := Semantics → Program → Property → List ℕ → Bool

/-- Open obligation `soundness`. In Coq it is the theorem check_sound of proofs/CheckSound.v. -/
def Sound (check : Checker) : Prop :=
  ∀ s net p tree, check s net p tree = true → claim s net p

end

end Axiom
