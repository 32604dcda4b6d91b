namespace Secrets.Fuzzing.Tests;

/// <summary>A reader of untrusted input, with checks that every input must pass.</summary>
internal interface IFuzzTarget : IAsyncDisposable
{
    /// <summary>The name of the corpus.</summary>
    string Name { get; }

    /// <summary>Fragments that mutations insert.</summary>
    IReadOnlyList<byte[]> Dictionary { get; }

    /// <summary>Valid inputs that mutations start from, in addition to the corpus.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>Tries an input. Throws if a check fails.</summary>
    /// <returns>A short description of the reached behaviour. An input with a new description is kept.</returns>
    Task<string> TryAsync(byte[] input);
}
