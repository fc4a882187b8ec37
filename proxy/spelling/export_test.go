package spelling

// Distance is exported for its test.
var Distance = distance
