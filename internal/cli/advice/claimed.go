// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package advice

import "github.com/greenapi-operator/greenapi-operator/api/v1alpha1"

// fetchToken has a claim fetch the present token.
const fetchToken = "Have the claim fetch the present token: kubectl annotate instanceclaim {claim} -n {namespace} --overwrite messaging.greenapi-operator.dev/reconcile-requested-at=\"$(date +%s)\""

// claimed are the next steps for resources whose number and token are a claim's, where they are others. {claim} stands for its name.
var claimed = map[string]string{
	v1alpha1.ReasonClaimNotReady:    "See what the claim waits for: kubectl greenapi status claim/{claim} -n {namespace}. Nothing is called before it has its instance",
	v1alpha1.ReasonSecretNotFound:   "See why the claim does not write its Secret, if that is the one that the message names: kubectl greenapi status claim/{claim} -n {namespace}. Create any other",
	v1alpha1.ReasonUnauthorized:     fetchToken,
	v1alpha1.ReasonInstanceNotFound: "Compare status.idInstance and status.apiUrl of the claim with the vendor's console: kubectl get instanceclaim {claim} -n {namespace} -o yaml",
	v1alpha1.ReasonDeleted:          "Delete this resource and InstanceClaim {claim}: the instance is gone at the vendor. Create both anew for another instance",
}
