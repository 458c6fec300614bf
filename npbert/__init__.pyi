"""The public names of npbert, and where each is defined. `__init__.py` reads this file."""

from npbert.checkpoints.config import AutoConfig as AutoConfig
from npbert.checkpoints.config import DistilBertConfig as DistilBertConfig
from npbert.checkpoints.safetensors_files import CheckpointError as CheckpointError
from npbert.explanations.explain import explain as explain
from npbert.explanations.results import Explanation as Explanation
from npbert.explanations.results import Pair as Pair
from npbert.explanations.results import Step as Step
from npbert.explanations.results import Word as Word
from npbert.models.heads import AutoModel as AutoModel
from npbert.models.heads import AutoModelForCausalLM as AutoModelForCausalLM
from npbert.models.heads import AutoModelForMaskedLM as AutoModelForMaskedLM
from npbert.models.heads import AutoModelForMultipleChoice as AutoModelForMultipleChoice
from npbert.models.heads import AutoModelForQuestionAnswering as AutoModelForQuestionAnswering
from npbert.models.heads import (
    AutoModelForSequenceClassification as AutoModelForSequenceClassification,
)
from npbert.models.heads import AutoModelForTokenClassification as AutoModelForTokenClassification
from npbert.models.heads import DistilBertForMaskedLM as DistilBertForMaskedLM
from npbert.models.heads import DistilBertForMultipleChoice as DistilBertForMultipleChoice
from npbert.models.heads import DistilBertForQuestionAnswering as DistilBertForQuestionAnswering
from npbert.models.heads import (
    DistilBertForSequenceClassification as DistilBertForSequenceClassification,
)
from npbert.models.heads import DistilBertForTokenClassification as DistilBertForTokenClassification
from npbert.models.heads import DistilBertModel as DistilBertModel
from npbert.models.outputs import softmax as softmax
from npbert.pipelines.cached import classify as classify
from npbert.pipelines.factory import pipeline as pipeline
from npbert.pipelines.feature_extraction import (
    FeatureExtractionPipeline as FeatureExtractionPipeline,
)
from npbert.pipelines.fill_mask import FillMaskPipeline as FillMaskPipeline
from npbert.pipelines.question_answering import (
    QuestionAnsweringPipeline as QuestionAnsweringPipeline,
)
from npbert.pipelines.results import Entity as Entity
from npbert.pipelines.results import FilledMask as FilledMask
from npbert.pipelines.results import LabelScore as LabelScore
from npbert.pipelines.results import QuestionAnswer as QuestionAnswer
from npbert.pipelines.results import TextPair as TextPair
from npbert.pipelines.results import TokenEntity as TokenEntity
from npbert.pipelines.results import ZeroShotResult as ZeroShotResult
from npbert.pipelines.text_classification import (
    TextClassificationPipeline as TextClassificationPipeline,
)
from npbert.pipelines.token_classification import (
    TokenClassificationPipeline as TokenClassificationPipeline,
)
from npbert.pipelines.zero_shot_classification import (
    ZeroShotClassificationPipeline as ZeroShotClassificationPipeline,
)
from npbert.tokenization.batch_encoding import BatchEncoding as BatchEncoding
from npbert.tokenization.tokenizer import AutoTokenizer as AutoTokenizer
from npbert.tokenization.tokenizer import DistilBertTokenizer as DistilBertTokenizer
from npbert.tokenization.tokenizer import DistilBertTokenizerFast as DistilBertTokenizerFast

__version__: str
