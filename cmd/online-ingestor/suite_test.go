package main_test

import (
	"testing"
	"time"
)

// scale is how much of a scenario is played.
type scale struct {
	// messages of the large mix.
	messages int
	// slack is by how much a busy machine may stretch a promised time. What the
	// promises exclude takes longer still, most of it for ever.
	slack int
}

// within is the longest that something promised for then may take.
func (s scale) within(then time.Duration) time.Duration { return time.Duration(s.slack) * then }

// scenarios are what must hold on every broker.
var scenarios = []struct {
	name string
	run  func(*testing.T, *broker, scale)
}{
	{"Health", healthTellsWhatIsWrong}, // those that wait most, so that others run meanwhile
	{"PromiseOutagesCountForNoAttempt", outagesCountForNoAttempt},
	{"PromiseHealthTellsTheLossOfTheBroker", healthTellsTheLossOfTheBroker},
	{"FaultE_FullPoolLongerThanMaxPollInterval", fullPoolLongerThanMaxPollInterval},
	{"FrozenWhileChildrenRun", frozenWhileChildrenRun},
	{"CatalogueAway", catalogueAway},
	{"TokenRefused", tokenRefused},
	{"ServiceManager", tellsTheServiceManager},
	{"WaitForBroker", waitForBroker},
	{"ExecutableAway", executableAway},
	{"SecondTermEndsTheDrain", secondTermEndsTheDrain},

	// The faults; fault_test.go has the table.
	{"FaultA_FailedFileIsTriedAgain", failedFileIsTriedAgain},
	{"FaultB_NoCommitPassesUnfinishedWork", noCommitPassesUnfinishedWork},
	{"FaultB_KilledWhileChildrenRun", killedWhileChildrenRun},
	{"FaultC_TermWhileChildrenRun", termWhileChildrenRun},
	{"FaultC_F11_TermAndIntWhileIdle", termWhileIdle},
	{"FaultD_HungChildKeepsNoSlot", hungChild},
	{"FaultF_EmptyListIsNotFound", emptyListIsNotFound},
	{"FaultG_DatasetWithoutDatablockIsRepaired", datasetWithoutDatablockIsRepaired},
	{"FaultH_FallbackSchemaIsUsed", fallbackSchemaIsUsed},
	{"FaultI_F1_RelativePathsAndHashFile", relativePathsAndHashFile},
	{"FaultJ_F10_MessageFile", messageFile},
	{"FaultK_EveryFileOnceAmongGarbage", everyFileOnce},
	{"FaultL_RunStartsAreIgnored", runStartsAreIgnored},
	{"FaultF2_IndividualMessageCommit", individualMessageCommit},
	{"FaultF3_TimeoutZero", timeoutZero},
	{"FaultF4_SampleAttachment", sampleAttachment},
	{"FaultF5_F12_NaNUnitsAndTextArrays", oddValues},
	{"FaultF6_CatalogueAssignsThePID", catalogueAssignsThePID},
	{"FaultF7_F8_BadSchemaFile", badSchemaFile},
	{"FaultF8_UnknownKey", unknownKey},
	{"FaultF9_PIDCheckBelievesNoError", pidCheckBelievesNoError},
	{"FaultF13_LogFileIsKept", logFileIsKept},
	{"FaultF14_OverridesReachChildren", overridesReachChildren},

	// The promises; promiseattempts_test.go has the table.
	{"PromiseAttempts", attempts},
	{"PromiseDeadLetter", deadLetter},
	{"PromiseRetryReplaysWhatWasGivenUp", retryReplays},
	{"PromiseDeadLetterTopicMayBeMissing", deadLetterTopicIsMissing},
	{"PromiseChildrenDieWithTheDaemonGrandchildrenToo", killedDaemonTakesGrandchildrenAlong},
	{"PromiseChildrenTimeLimitEndsTheWholeGroup", timeLimitEndsTheWholeGroup},
	{"PromiseChildrenNeverMoreThanMax", neverMoreThanMaxChildren},
	{"PromiseChildrenReapedWithinASecond", reapedWithinASecond},
	{"PromiseDrainIsBounded", drainIsBounded},
	{"PromiseDrainEndsAtTheSecondSignal", secondSignalEndsStubbornChildren},
	{"PromiseLogReaderMayGo", logReaderMayGo},
	{"PromiseBrokerLateTopicIsNoticed", lateTopicIsNoticed},
	{"PromiseStorageAwayCostsNoFile", storageAway},
	{"PromiseHealthHasTimeForEverybody", healthHasTimeForEverybody},
	{"PromisePoisonLargeMessages", largeMessages},
	{"PromisePoisonGarbageInARow", garbageInARow},
}

func TestEmbedded(t *testing.T) {
	b := embeddedBroker(t, 0)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(t, b, scale{messages: 60, slack: 5})
		})
	}
}

func TestReal(t *testing.T) {
	needsReal(t)
	b := startReal(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			s.run(t, b, scale{messages: 200, slack: 3})
		})
	}
}
