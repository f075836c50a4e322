namespace FedLora.Grains;

/// <summary>
/// A call that may be made again where its answer was lost, since done twice it is as good as done once. Who calls from outside the
/// cluster's silos, a frontend, does so by itself when a silo dies; of any other call only its caller can tell what to do.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RepeatableAttribute : Attribute;
