package configs

import (
	"path/filepath"
	"testing"
)

func TestInspect_TellsFaultsAndWarningsAndFillsTheRest(t *testing.T) {
	i, err := Inspect(Online, "c.yml", []byte("id: mine\nnonsense: 1\nscicat:\n  timeout: soon\n  verify: false\n  host: https://a.example/api\n"), []string{"INGESTOR_KAFKA_TOPICS=t"})
	if err != nil {
		t.Fatal(err)
	}
	if len(i.Problems) != 2 || i.Problems[0].Key != "scicat.timeout" || i.Problems[1].Key != "nonsense" || !i.Readable || i.Config.ID != "mine" {
		t.Errorf("got %+v", i)
	}
	if len(i.Warnings) != 2 || i.Warnings[0].Key != "scicat.verify" {
		t.Errorf("got %v", i.Warnings)
	}
	for key, want := range map[string]string{"scicat.host": "c.yml:6", "kafka.topics": "INGESTOR_KAFKA_TOPICS", "scicat.token": "c.yml"} {
		if place, given := i.Place(key); place != want || given != (want != "c.yml") {
			t.Errorf("%s: %s, %v", key, place, given)
		}
	}
}

func TestInspect_WhatIsNoConfigurationIsNotReadable(t *testing.T) {
	i, err := Inspect(Tool, "c.yml", []byte("a: ["), nil)
	if err != nil || i.Readable || len(i.Problems) != 1 {
		t.Errorf("got %+v, %v", i, err)
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file is read")
	}
}
