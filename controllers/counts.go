// Copyright The GREEN-API operator authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/greenapi-operator/greenapi-operator/api/v1alpha1"
	"github.com/greenapi-operator/greenapi-operator/internal/states"
)

// counts are how many resources are in each state, and have each condition with each status.
type counts struct {
	states     map[string]int
	conditions map[[2]string]int
}

// alertedConditions are those whose alerts compare one series with another, so that none may be missing.
var alertedConditions = [][2]string{
	{v1alpha1.StalledCondition, string(metav1.ConditionTrue)},
	{v1alpha1.ReadyCondition, string(metav1.ConditionFalse)},
	{v1alpha1.ReadyCondition, string(metav1.ConditionUnknown)},
}

// newCounts begins at 0 for every state: a state that none is in shows, so that a rise from none can be seen.
func newCounts() counts {
	c := counts{states: map[string]int{otherState: 0}, conditions: map[[2]string]int{}}
	for _, state := range states.Words() {
		c.states[state] = 0
	}
	return c
}

func (c counts) add(state string, conditions []metav1.Condition) {
	c.states[state]++
	for _, condition := range conditions {
		c.conditions[[2]string{condition.Type, string(condition.Status)}]++
	}
}

func (c counts) collect(kind string, states, conditions *prometheus.Desc, out chan<- prometheus.Metric) {
	for state, n := range c.states {
		out <- prometheus.MustNewConstMetric(states, prometheus.GaugeValue, float64(n), kind, state)
	}
	for condition, n := range c.conditions {
		out <- prometheus.MustNewConstMetric(conditions, prometheus.GaugeValue, float64(n), kind, condition[0], condition[1])
	}
}
