namespace Secrets.Fuzzing.Tests;

/// <summary>A reader of untrusted input, and what must hold for every input.</summary>
internal interface IFuzzTarget : IAsyncDisposable
{
    /// <summary>The name of its corpus.</summary>
    string Name { get; }

    /// <summary>Pieces that mutations insert.</summary>
    IReadOnlyList<byte[]> Dictionary { get; }

    /// <summary>Sound inputs that mutations start from, beside those of the corpus.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>Tries an input. Throws where a promise does not hold.</summary>
    /// <returns>What the input reached, in a few words. An input that reaches something new is kept.</returns>
    Task<string> TryAsync(byte[] input);
}
