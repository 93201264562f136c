// AttributeProto -> Attribute.
#pragma once

#include "base/result.h"
#include "formats/onnx/external_data.h"
#include "formats/onnx/onnx.pb.h"
#include "graph/graph.h"

namespace axiom::onnx {

/// Converts and empties `proto`. The value must lie in the field of the stated type and in no other; an absent scalar
/// is zero, since some writers leave zeros out. The error names neither the node nor the attribute.
Result<Attribute> take_attribute(AttributeProto& proto, ExternalData& external);

}  // namespace axiom::onnx
