package issuing

// LearnDirectory is learnDirectory, whose limit would take its time at a real CA.
var LearnDirectory = learnDirectory
