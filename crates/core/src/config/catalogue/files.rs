//! The files of the catalogue, compiled in. A new provider is a file and a row here, in the order of
//! the alphabet.

use super::CatalogueFile;

/// Every file of `config/providers`.
pub(super) static FILES: [CatalogueFile; 64] = [
    CatalogueFile {
        name: "config/providers/ai21.yaml",
        text: include_str!("../../../../../config/providers/ai21.yaml"),
    },
    CatalogueFile {
        name: "config/providers/aimlapi.yaml",
        text: include_str!("../../../../../config/providers/aimlapi.yaml"),
    },
    CatalogueFile {
        name: "config/providers/alibaba.yaml",
        text: include_str!("../../../../../config/providers/alibaba.yaml"),
    },
    CatalogueFile {
        name: "config/providers/alicode.yaml",
        text: include_str!("../../../../../config/providers/alicode.yaml"),
    },
    CatalogueFile {
        name: "config/providers/anthropic.yaml",
        text: include_str!("../../../../../config/providers/anthropic.yaml"),
    },
    CatalogueFile {
        name: "config/providers/antigravity.yaml",
        text: include_str!("../../../../../config/providers/antigravity.yaml"),
    },
    CatalogueFile {
        name: "config/providers/assemblyai.yaml",
        text: include_str!("../../../../../config/providers/assemblyai.yaml"),
    },
    CatalogueFile {
        name: "config/providers/baseten.yaml",
        text: include_str!("../../../../../config/providers/baseten.yaml"),
    },
    CatalogueFile {
        name: "config/providers/blackbox.yaml",
        text: include_str!("../../../../../config/providers/blackbox.yaml"),
    },
    CatalogueFile {
        name: "config/providers/cerebras.yaml",
        text: include_str!("../../../../../config/providers/cerebras.yaml"),
    },
    CatalogueFile {
        name: "config/providers/claude.yaml",
        text: include_str!("../../../../../config/providers/claude.yaml"),
    },
    CatalogueFile {
        name: "config/providers/cline.yaml",
        text: include_str!("../../../../../config/providers/cline.yaml"),
    },
    CatalogueFile {
        name: "config/providers/codestral.yaml",
        text: include_str!("../../../../../config/providers/codestral.yaml"),
    },
    CatalogueFile {
        name: "config/providers/codex.yaml",
        text: include_str!("../../../../../config/providers/codex.yaml"),
    },
    CatalogueFile {
        name: "config/providers/cohere.yaml",
        text: include_str!("../../../../../config/providers/cohere.yaml"),
    },
    CatalogueFile {
        name: "config/providers/cursor.yaml",
        text: include_str!("../../../../../config/providers/cursor.yaml"),
    },
    CatalogueFile {
        name: "config/providers/deepgram.yaml",
        text: include_str!("../../../../../config/providers/deepgram.yaml"),
    },
    CatalogueFile {
        name: "config/providers/deepinfra.yaml",
        text: include_str!("../../../../../config/providers/deepinfra.yaml"),
    },
    CatalogueFile {
        name: "config/providers/deepseek.yaml",
        text: include_str!("../../../../../config/providers/deepseek.yaml"),
    },
    CatalogueFile {
        name: "config/providers/featherless.yaml",
        text: include_str!("../../../../../config/providers/featherless.yaml"),
    },
    CatalogueFile {
        name: "config/providers/fireworks.yaml",
        text: include_str!("../../../../../config/providers/fireworks.yaml"),
    },
    CatalogueFile {
        name: "config/providers/gemini-cli.yaml",
        text: include_str!("../../../../../config/providers/gemini-cli.yaml"),
    },
    CatalogueFile {
        name: "config/providers/gemini.yaml",
        text: include_str!("../../../../../config/providers/gemini.yaml"),
    },
    CatalogueFile {
        name: "config/providers/github.yaml",
        text: include_str!("../../../../../config/providers/github.yaml"),
    },
    CatalogueFile {
        name: "config/providers/glm-cn.yaml",
        text: include_str!("../../../../../config/providers/glm-cn.yaml"),
    },
    CatalogueFile {
        name: "config/providers/glm.yaml",
        text: include_str!("../../../../../config/providers/glm.yaml"),
    },
    CatalogueFile {
        name: "config/providers/groq.yaml",
        text: include_str!("../../../../../config/providers/groq.yaml"),
    },
    CatalogueFile {
        name: "config/providers/hyperbolic.yaml",
        text: include_str!("../../../../../config/providers/hyperbolic.yaml"),
    },
    CatalogueFile {
        name: "config/providers/iflow.yaml",
        text: include_str!("../../../../../config/providers/iflow.yaml"),
    },
    CatalogueFile {
        name: "config/providers/inference-net.yaml",
        text: include_str!("../../../../../config/providers/inference-net.yaml"),
    },
    CatalogueFile {
        name: "config/providers/kilocode.yaml",
        text: include_str!("../../../../../config/providers/kilocode.yaml"),
    },
    CatalogueFile {
        name: "config/providers/kimi-coding.yaml",
        text: include_str!("../../../../../config/providers/kimi-coding.yaml"),
    },
    CatalogueFile {
        name: "config/providers/kimi.yaml",
        text: include_str!("../../../../../config/providers/kimi.yaml"),
    },
    CatalogueFile {
        name: "config/providers/kiro.yaml",
        text: include_str!("../../../../../config/providers/kiro.yaml"),
    },
    CatalogueFile {
        name: "config/providers/lambda-ai.yaml",
        text: include_str!("../../../../../config/providers/lambda-ai.yaml"),
    },
    CatalogueFile {
        name: "config/providers/meta-llama.yaml",
        text: include_str!("../../../../../config/providers/meta-llama.yaml"),
    },
    CatalogueFile {
        name: "config/providers/minimax-cn.yaml",
        text: include_str!("../../../../../config/providers/minimax-cn.yaml"),
    },
    CatalogueFile {
        name: "config/providers/minimax.yaml",
        text: include_str!("../../../../../config/providers/minimax.yaml"),
    },
    CatalogueFile {
        name: "config/providers/mistral.yaml",
        text: include_str!("../../../../../config/providers/mistral.yaml"),
    },
    CatalogueFile {
        name: "config/providers/morph.yaml",
        text: include_str!("../../../../../config/providers/morph.yaml"),
    },
    CatalogueFile {
        name: "config/providers/nanogpt.yaml",
        text: include_str!("../../../../../config/providers/nanogpt.yaml"),
    },
    CatalogueFile {
        name: "config/providers/nebius.yaml",
        text: include_str!("../../../../../config/providers/nebius.yaml"),
    },
    CatalogueFile {
        name: "config/providers/nscale.yaml",
        text: include_str!("../../../../../config/providers/nscale.yaml"),
    },
    CatalogueFile {
        name: "config/providers/nvidia.yaml",
        text: include_str!("../../../../../config/providers/nvidia.yaml"),
    },
    CatalogueFile {
        name: "config/providers/ollama-cloud.yaml",
        text: include_str!("../../../../../config/providers/ollama-cloud.yaml"),
    },
    CatalogueFile {
        name: "config/providers/openai-responses.yaml",
        text: include_str!("../../../../../config/providers/openai-responses.yaml"),
    },
    CatalogueFile {
        name: "config/providers/openai.yaml",
        text: include_str!("../../../../../config/providers/openai.yaml"),
    },
    CatalogueFile {
        name: "config/providers/openrouter.yaml",
        text: include_str!("../../../../../config/providers/openrouter.yaml"),
    },
    CatalogueFile {
        name: "config/providers/perplexity.yaml",
        text: include_str!("../../../../../config/providers/perplexity.yaml"),
    },
    CatalogueFile {
        name: "config/providers/qianfan.yaml",
        text: include_str!("../../../../../config/providers/qianfan.yaml"),
    },
    CatalogueFile {
        name: "config/providers/qwen.yaml",
        text: include_str!("../../../../../config/providers/qwen.yaml"),
    },
    CatalogueFile {
        name: "config/providers/reka.yaml",
        text: include_str!("../../../../../config/providers/reka.yaml"),
    },
    CatalogueFile {
        name: "config/providers/sambanova.yaml",
        text: include_str!("../../../../../config/providers/sambanova.yaml"),
    },
    CatalogueFile {
        name: "config/providers/scaleway.yaml",
        text: include_str!("../../../../../config/providers/scaleway.yaml"),
    },
    CatalogueFile {
        name: "config/providers/siliconflow.yaml",
        text: include_str!("../../../../../config/providers/siliconflow.yaml"),
    },
    CatalogueFile {
        name: "config/providers/synthetic.yaml",
        text: include_str!("../../../../../config/providers/synthetic.yaml"),
    },
    CatalogueFile {
        name: "config/providers/together.yaml",
        text: include_str!("../../../../../config/providers/together.yaml"),
    },
    CatalogueFile {
        name: "config/providers/upstage.yaml",
        text: include_str!("../../../../../config/providers/upstage.yaml"),
    },
    CatalogueFile {
        name: "config/providers/v0.yaml",
        text: include_str!("../../../../../config/providers/v0.yaml"),
    },
    CatalogueFile {
        name: "config/providers/venice.yaml",
        text: include_str!("../../../../../config/providers/venice.yaml"),
    },
    CatalogueFile {
        name: "config/providers/vercel-ai-gateway.yaml",
        text: include_str!("../../../../../config/providers/vercel-ai-gateway.yaml"),
    },
    CatalogueFile {
        name: "config/providers/volcengine.yaml",
        text: include_str!("../../../../../config/providers/volcengine.yaml"),
    },
    CatalogueFile {
        name: "config/providers/wandb.yaml",
        text: include_str!("../../../../../config/providers/wandb.yaml"),
    },
    CatalogueFile {
        name: "config/providers/xai.yaml",
        text: include_str!("../../../../../config/providers/xai.yaml"),
    },
];
