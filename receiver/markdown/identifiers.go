// Copyright The whatsapp-webhook-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package markdown

import "strings"

// maxIdentifier bounds the size of identifiers in bytes. A longer text need not be looked up, which reads all of it.
const maxIdentifier = 32

// identifiers are names that programs write between double underscores. As bold text they would lose them.
//
// Source: Python's data model and module attributes, the predefined macros of C, the magic constants of PHP, the names of
// folders of JavaScript's test tools
var identifiers = func() map[string]bool {
	names := map[string]bool{}

	for name := range strings.FieldsSeq(`
		abs add aenter aexit aiter all and anext annotations author await bases bool buffer builtins bytes cached call
		class ceil cmp code complex contains context copy copyright debug deepcopy defaults del delattr delete delitem dict
		dir divmod doc email enter eq exit file float floor floordiv format func future fspath ge get getattr getattribute
		getitem getstate globals gt hash hex iadd iand ifloordiv ilshift imatmul imod import imul index init int invert ior
		ipow irshift isub iter itruediv ixor kwdefaults le len length_hint license loader lshift lt main match_args matmul
		metaclass missing mod module mro mul name ne neg new next nonzero oct or package path pos post_init pow prepare
		proto pycache qualname radd rand rdivmod reduce reduce_ex release_buffer repr reversed rfloordiv rlshift rmatmul
		rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor self set setattr setitem setstate signature sizeof slots
		spec str sub subclasses suppress_context traceback truediv trunc type_params typename unicode version warnings
		weakref wrapped xor
		CLASS COUNTER CPLUSPLUS DATE DIR FILE FUNCTION LINE METHOD NAMESPACE STDC TIME TIMESTAMP TRAIT VA_ARGS
		cplusplus attribute attributes declspec func extension inline restrict typeof
		dirname filename fixtures mocks snapshots tests test
	`) {
		names[name] = true
	}

	return names
}()
